/** Takes the verdicts of a push into the local store. Pure: drafts changes, and says what became of what. */

import type { ServerError } from '../errors.ts';
import type { PushResult, ResultStatus } from '../net/answers.ts';
import { SyncFailure } from '../net/classify.ts';
import type { SyncState } from '../storage/storage.ts';
import type { Draft } from '../store/draft.ts';
import { applyMutation } from '../store/overlay.ts';
import { keyOf, keyText, type TableSpec } from '../table.ts';
import type { JsonRow, Mutation, Verdict } from '../types.ts';

/** What became of a mutation with this answer. */
export type Outcome =
  | { readonly seq: number; readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly seq: number; readonly type: 'deferred' };

export interface VerdictContext {
  readonly draft: Draft;
  /** Tables by qualified name. */
  readonly tables: ReadonlyMap<string, TableSpec>;
  /** Seqs of the batch that this answers. */
  readonly sent: ReadonlySet<number>;
  readonly nowMs: number;
}

/**
 * Drafts the verdicts of one answer. What this batch just did is taken into the row at once. What was decided
 * earlier (a repeated mutation, a deferred one) may have been overtaken by other changes that the device does not
 * know, so it stays laid over the row until a pull has passed it.
 */
export function applyResults(results: readonly PushResult[], context: VerdictContext): Outcome[] {
  return inOrderOfEffect(results).flatMap((result) => applyResult(result, context) ?? []);
}

/**
 * Changes of one row in the order in which the server made them, so that each builds on the one before. Verdicts
 * without a version changed no row; among the others they would leave no order at all.
 */
function inOrderOfEffect(results: readonly PushResult[]): PushResult[] {
  return [...results].sort((a, b) => {
    if (a.version === b.version) return a.seq - b.seq;
    if (a.version === null || b.version === null) return a.version === null ? -1 : 1;
    return BigInt(a.version) < BigInt(b.version) ? -1 : 1;
  });
}

function applyResult(result: PushResult, context: VerdictContext): Outcome | null {
  const { draft, sent } = context;
  const mutation = draft.mutation(result.seq);
  if (mutation === undefined || mutation.state === 'confirmed') return null;
  if (mutation.voided) {
    draft.deleteMutation(mutation);
    return { seq: mutation.seq, type: 'verdict', verdict: { status: 'discarded' } };
  }
  const isRepeated = result.status === 'duplicate';
  const status: Exclude<ResultStatus, 'duplicate'> =
    result.status === 'duplicate' ? (result.was ?? 'applied') : result.status;
  if (status === 'deferred') {
    draft.putMutation({ ...mutation, state: 'deferred' });
    return { seq: mutation.seq, type: 'deferred' };
  }
  if (status === 'rejected') return reject(draft, mutation, result.error, context.nowMs);
  if (status === 'conflict') addConflict(mutation, result, context);
  if (!isRepeated && sent.has(mutation.seq) && takeIntoRow(mutation, result, context)) {
    draft.deleteMutation(mutation);
  } else {
    draft.putMutation({ ...mutation, state: 'confirmed', version: result.version });
  }
  return { seq: mutation.seq, type: 'verdict', verdict: verdictOf(status, result) };
}

const UNKNOWN_REASON: ServerError = {
  code: 'rejected',
  message: 'The server gave no reason.',
  detail: null,
  hint: null,
};

/** Moves the mutation to the dead letters: its change is no longer shown, its content and the reason are kept. */
export function reject(draft: Draft, mutation: Mutation, error: ServerError | null, nowMs: number): Outcome {
  const reason = error ?? UNKNOWN_REASON;
  draft.deleteMutation(mutation);
  draft.putRejected({ ...mutation, error: reason, rejectedAt: nowMs });
  return { seq: mutation.seq, type: 'verdict', verdict: { status: 'rejected', error: reason } };
}

/**
 * Brings the server row on this device to the state after the mutation. False when that state cannot be known here:
 * others' values went into it and the answer does not carry them.
 */
function takeIntoRow(mutation: Mutation, result: PushResult, { draft, tables }: VerdictContext): boolean {
  const { table } = mutation;
  const stored = draft.row(table, mutation.keyText);
  const { version } = result;
  const row = result.row === undefined ? computedRow(mutation, result, stored?.row) : result.row;
  if (row === undefined) return false;
  if (row === null) {
    draft.deleteRow(table, mutation.keyText);
    return true;
  }
  if (version === null) return false;
  const spec = tables.get(table);
  // Named when the row was written; else nothing has moved it.
  const scope = result.scope ?? stored?.scope ?? null;
  if (!hasTopic(draft.sync, scope)) draft.setSync({ strays: true });
  draft.putRow({
    table,
    // The server's spelling of the key is the one under which pulls will bring the row.
    keyText: spec === undefined ? mutation.keyText : keyText(spec, { ...mutation.key, ...keyOf(spec, row) }),
    version,
    scope,
    row,
    generation: draft.sync.generation,
  });
  return true;
}

/** Whether the user's scopes, as the last pull told them, hold this one; also where the scope is not known. */
export function hasTopic({ topics }: SyncState, scope: string | null): boolean {
  return (
    scope === null || topics.some((topic) => topic.slice(topic.indexOf(':', 'offline:'.length) + 1) === scope)
  );
}

/** The row as the device computes it; null: deleted; undefined: it cannot. */
function computedRow(
  mutation: Mutation,
  { status }: PushResult,
  stored: JsonRow | undefined,
): JsonRow | null | undefined {
  if (status !== 'applied') return undefined;
  if (mutation.op === 'delete') return null;
  return applyMutation(stored, mutation);
}

/** Versions are decimal strings of any length. */
export function isOlder(version: string, than: string): boolean {
  return BigInt(version) < BigInt(than);
}

function addConflict(mutation: Mutation, result: PushResult, { draft }: VerdictContext): void {
  if (result.conflictId === null) return;
  const columns = Object.keys(result.columns).filter((column) => result.columns[column] === 'manual');
  draft.putConflict({
    id: result.conflictId,
    table: mutation.table,
    key: mutation.key,
    columns,
    base: mutation.before,
    mine: mutation.op === 'delete' ? null : mutation.patch,
    theirs: result.row ?? draft.row(mutation.table, mutation.keyText)?.row ?? null,
    createdAt: null,
  });
}

function verdictOf(status: 'applied' | 'merged' | 'conflict', result: PushResult): Verdict {
  const { columns, conflictId } = result;
  if (status === 'applied') return { status };
  if (status === 'merged') return { status, columns };
  if (conflictId === null) {
    throw new SyncFailure('retry', 'server', 'bad_answer', 'conflict without id');
  }
  return { status, columns, conflictId };
}
