/** Which mutations belong to each other, and how a set of them is numbered anew. */

import { tick } from '../clock/hlc.ts';
import type { Draft } from '../store/draft.ts';
import type { Mutation, RejectedMutation } from '../types.ts';

/** The mutation and the others of its group, in order. */
export function peers<M extends Mutation>(first: M, all: Iterable<M>): M[] {
  if (first.group === null) return [first];
  return [...all].filter(({ group }) => group === first.group).sort((a, b) => a.seq - b.seq);
}

/**
 * What falls with a mutation that is given up: the rest of its group, what was declared to come after it, and, when
 * it makes or removes a row, later changes of that row, which rest on it. Transitively, in order.
 */
export function dependents(first: Mutation, all: Iterable<Mutation>): Mutation[] {
  const candidates = [...all].filter(({ voided }) => !voided).sort((a, b) => a.seq - b.seq);
  const falling = new Map<number, Mutation>([[first.seq, first]]);
  // A Map iterates over entries that are added meanwhile, so this reaches everything.
  for (const cause of falling.values()) {
    for (const other of candidates) if (fallsWith(cause, other)) falling.set(other.seq, other);
  }
  return [...falling.values()].sort((a, b) => a.seq - b.seq);
}

function fallsWith(cause: Mutation, other: Mutation): boolean {
  if (cause.group !== null && other.group === cause.group) return true;
  if (other.after.includes(cause.seq)) return true;
  const sameRow = other.table === cause.table && other.keyText === cause.keyText;
  return cause.op !== 'update' && sameRow && other.seq > cause.seq;
}

/**
 * Queues a rejected mutation again under the next seq, with what the device saw at first, so that the server judges
 * it by that. The rejected one is gone.
 */
export function repeat(
  old: RejectedMutation,
  draft: Draft,
  context: { readonly nowMs: number; readonly group: string | null; readonly after: readonly number[] },
): Mutation {
  const { error: _error, rejectedAt: _rejectedAt, ...kept } = old;
  const seq = draft.head.nextSeq;
  const hlc = tick(draft.head.hlc, context.nowMs + (draft.sync.clock?.offsetMs ?? 0));
  const mutation: Mutation = {
    ...kept,
    seq,
    hlc,
    group: context.group,
    after: context.after,
    state: 'queued',
    voided: false,
    reflected: false,
    version: null,
  };
  draft.putMutation(mutation);
  draft.deleteRejected(old.seq);
  draft.setHead({ nextSeq: seq + 1, hlc });
  return mutation;
}

/**
 * Gives the waiting mutations consecutive seqs from `firstSeq`, for a server that counts differently. Only for
 * mutations that this server is known not to have. Returns old seq → new seq.
 */
export function renumber(
  waiting: readonly Mutation[],
  firstSeq: number,
  draft: Draft,
): ReadonlyMap<number, number> {
  const inOrder = [...waiting].sort((a, b) => a.seq - b.seq);
  const newSeqs = new Map(inOrder.map(({ seq }, i) => [seq, firstSeq + i]));
  for (const mutation of inOrder) draft.deleteMutation(mutation);
  for (const mutation of inOrder) {
    draft.putMutation({
      ...mutation,
      seq: newSeqs.get(mutation.seq) as number,
      after: mutation.after.flatMap((seq) => newSeqs.get(seq) ?? []),
      state: 'queued',
    });
  }
  draft.setHead({ nextSeq: firstSeq + inOrder.length });
  return newSeqs;
}

/** Dead letters of a numbering that is over get negative numbers, so that they do not stand where new ones come. */
export function setAside(rejected: ReadonlyMap<number, RejectedMutation>, draft: Draft): void {
  let free = Math.min(0, ...rejected.keys());
  for (const letter of rejected.values()) {
    if (letter.seq < 0) continue;
    free -= 1;
    draft.deleteRejected(letter.seq);
    draft.putRejected({ ...letter, seq: free });
  }
}
