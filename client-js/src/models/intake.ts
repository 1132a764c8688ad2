/** What a pull says of models, and how a new version is taken in: fetched, verified, loaded, and only then stored. */

import { OfflineError } from '../errors.ts';
import type { ModelRecord } from '../storage/storage.ts';
import type { Json, JsonRow } from '../types.ts';
import { sameJson } from '../values.ts';
import type { Desk } from './desk.ts';
import { modelError } from './errors.ts';
import type { ModelSpace } from './port.ts';
import type { ModelArtifact, RunnableModel } from './runtime.ts';

/** A version that serves; `version` null: the model was withdrawn. */
interface PulledModel {
  readonly name: string;
  readonly version: number | null;
  readonly format: string;
  readonly sha256: string;
  /** Null: too large for the answer. */
  readonly document: JsonRow | null;
  readonly user: ModelRecord['user'];
}

export interface IntakeTools {
  readonly load: (sha256: string, artifact: ModelArtifact) => Promise<RunnableModel>;
  readonly report: (error: OfflineError, model: string, version: number | null) => void;
}

/** Codes of what is wrong with an artefact; other failures may go by. */
const REFUSED: ReadonlySet<string> = new Set(['model_damaged', 'model_unsupported']);

/** Takes the entries one by one. Never rejects: what goes wrong with one is reported, and the version before it stays. */
export async function takeIn(
  entries: unknown,
  space: ModelSpace,
  desk: Desk,
  tools: IntakeTools,
): Promise<void> {
  if (!Array.isArray(entries)) return;
  for (const entry of entries) {
    const pulled = readEntry(entry);
    if (pulled === null) {
      tools.report(new OfflineError('bad_answer', 'models'), '', null);
      continue;
    }
    const { name, version } = pulled;
    try {
      await takeOne(pulled, space, desk, tools);
    } catch (failure) {
      const error = toOfflineError(failure);
      // The user has left meanwhile.
      if (error.code === 'closed') return;
      if (version !== null && REFUSED.has(error.code)) desk.refuse(name, version, error);
      tools.report(error, name, version);
    }
  }
}

async function takeOne(
  pulled: PulledModel,
  space: ModelSpace,
  desk: Desk,
  tools: IntakeTools,
): Promise<void> {
  const { name, version, format, sha256, user } = pulled;
  if (version === null) return desk.drop(name);
  const before = (await desk.records()).get(name);
  if (before?.version === version && before.sha256 === sha256) {
    desk.forgive(name);
    if (!sameJson(before.user as Json, user as Json)) await desk.setUser({ ...before, user });
    return;
  }
  const document = pulled.document ?? (await fetchDocument(space, name, version));
  const { artifact, ...meta } = document;
  const bytes = fromBase64(artifact);
  if (document.format !== format || bytes === null) throw modelError('model_damaged', name);
  const model = await tools.load(sha256, { format, bytes, meta });
  if (!(await desk.isUnchanged(name, before))) {
    // Another answer was quicker; the next pull tells which of the two serves.
    model.dispose();
    return;
  }
  await desk.put({ name, version, format, sha256, size: bytes.length, meta, user }, bytes, model);
}

async function fetchDocument({ rpc }: ModelSpace, name: string, version: number): Promise<JsonRow> {
  const { data } = await rpc.call('export_model', { p_model: name, p_version: version });
  if (isObject(data)) return data;
  throw new OfflineError('bad_answer', name);
}

/** An entry as the protocol has it, else null. */
function readEntry(entry: unknown): PulledModel | null {
  if (!isObject(entry)) return null;
  const { model: name, version, format, sha256, export: document, user } = entry;
  if (typeof name !== 'string') return null;
  if (version === null) {
    return { name, version, format: '', sha256: '', document: null, user: null };
  }
  if (!Number.isSafeInteger(version) || typeof format !== 'string' || typeof sha256 !== 'string') return null;
  return {
    name,
    version: Number(version),
    format,
    sha256,
    document: isObject(document) ? document : null,
    user: readUser(user),
  };
}

function readUser(user: Json | undefined): ModelRecord['user'] {
  if (!isObject(user) || typeof user.id !== 'string' || !Array.isArray(user.vector)) return null;
  const vector = user.vector as readonly Json[];
  return vector.every((entry) => typeof entry === 'number') ? { id: user.id, vector } : null;
}

function isObject(value: unknown): value is JsonRow {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fromBase64(text: Json | undefined): Uint8Array | null {
  if (typeof text !== 'string') return null;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** Failed calls carry their error; what else is thrown is a fault of the platform. */
function toOfflineError(failure: unknown): OfflineError {
  if (failure instanceof OfflineError) return failure;
  const { error } = failure as { readonly error?: unknown };
  if (error instanceof OfflineError) return error;
  return new OfflineError('core_failed', String(failure), { cause: failure });
}
