/** How mutations travel: one JSON text per batch, within the server's limits, groups never torn apart. Pure. */

import { OfflineError } from '../errors.ts';
import type { Json, Mutation } from '../types.ts';

export interface BatchLimits {
  readonly mutationsMax: number;
  readonly bytesMax: number;
}

/** Below the server's defaults (1,000 mutations, 1 MB), so that the envelope fits as well. */
export const BATCH_LIMITS: BatchLimits = { mutationsMax: 1_000, bytesMax: 900_000 };

export const PROTOCOL_VERSION = 1;

/** Later than every version of a row: the largest `int8`. */
const AFTER_ALL_VERSIONS = '9223372036854775807';

/** What a mutation given up before it was sent travels as; see {@link wireMutation}. */
const NOOP = {
  op: 'update',
  base: AFTER_ALL_VERSIONS,
  patch: {},
  before: null,
  after: [],
  group: null,
} as const;

/**
 * A mutation as it travels. One that was given up keeps its place in the numbering, and the protocol has no operation
 * that does nothing, so it becomes an update of no columns. Its base claims to have seen everything: an update made
 * without knowing of a deletion would bring the row back. It is never a deletion itself: somebody else may have made a
 * row with that key.
 */
export function wireMutation(mutation: Mutation): Json {
  const { op, base, patch, before, after, group } = mutation.voided ? NOOP : mutation;
  return {
    seq: String(mutation.seq),
    op,
    table: mutation.table,
    key: mutation.key,
    base,
    ...(op === 'delete' ? {} : { patch }),
    ...(before === null ? {} : { before }),
    hlc: mutation.hlc,
    ...(after.length === 0 ? {} : { after: after.map(String) }),
    ...(group === null ? {} : { group }),
    priority: mutation.priority,
  };
}

/** The text of a batch. */
export function encodeBatch(mutations: readonly Mutation[], sentAtMs: number): string {
  return JSON.stringify({
    v: PROTOCOL_VERSION,
    sent_at: new Date(sentAtMs).toISOString(),
    mutations: mutations.map(wireMutation),
  });
}

const utf8 = new TextEncoder();

/** Bytes that a mutation takes in a batch, with its comma. */
export function wireBytes(mutation: Mutation): number {
  return utf8.encode(JSON.stringify(wireMutation(mutation))).length + 1;
}

/** Refuses what no batch could hold, while the app can still do something about it. */
export function assertFits(mutations: readonly Mutation[], limits: BatchLimits = BATCH_LIMITS): void {
  const bytes = mutations.reduce((sum, mutation) => sum + wireBytes(mutation), 0);
  if (mutations.length > limits.mutationsMax || bytes > limits.bytesMax) {
    throw new OfflineError('too_large', `${mutations.length} mutations, ${bytes} bytes`);
  }
}

/**
 * The next batch: the longest run of consecutive seqs from the first that is waiting, within the limits. A group is
 * taken whole or left for the next batch; the first is taken even when it alone exceeds the limits.
 */
export function nextBatch(waiting: readonly Mutation[], limits: BatchLimits): Mutation[] {
  const batch: Mutation[] = [];
  let bytes = 0;
  for (const unit of units(waiting)) {
    const unitBytes = unit.reduce((sum, mutation) => sum + wireBytes(mutation), 0);
    const fits = batch.length + unit.length <= limits.mutationsMax && bytes + unitBytes <= limits.bytesMax;
    if (batch.length > 0 && !fits) break;
    batch.push(...unit);
    bytes += unitBytes;
  }
  return batch;
}

/** Mutations that must travel together, up to the first gap in the numbering. */
function* units(waiting: readonly Mutation[]): Generator<Mutation[]> {
  let unit: Mutation[] = [];
  for (const mutation of waiting) {
    const last = unit.at(-1);
    if (last !== undefined && mutation.seq !== last.seq + 1) break;
    if (last !== undefined && (mutation.group === null || mutation.group !== last.group)) {
      yield unit;
      unit = [];
    }
    unit.push(mutation);
  }
  if (unit.length > 0) yield unit;
}

/** The number of units in a batch: what can still be halved. */
export function unitCount(batch: readonly Mutation[]): number {
  return [...units(batch)].length;
}
