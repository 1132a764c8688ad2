/** What the user sees of a row: the server's row with the user's own pending changes laid over it. Pure. */

import type { JsonRow, Mutation } from '../types.ts';

/** The row after one more mutation, or undefined when there is none to show. */
export function applyMutation(
  row: JsonRow | undefined,
  mutation: Pick<Mutation, 'op' | 'key' | 'patch'>,
): JsonRow | undefined {
  switch (mutation.op) {
    case 'delete':
      return undefined;
    case 'update':
      return row === undefined ? undefined : { ...row, ...mutation.patch };
    case 'insert':
    case 'upsert':
      return { ...row, ...mutation.key, ...mutation.patch };
  }
}

/** Is it laid over the server's row? Not when given up, and not when the server row contains it already. */
export function isVisible(mutation: Pick<Mutation, 'voided' | 'reflected'>): boolean {
  return !mutation.voided && !mutation.reflected;
}

/** The row as shown: `pending` in the order of their seqs. */
export function viewRow(server: JsonRow | undefined, pending: readonly Mutation[]): JsonRow | undefined {
  return pending.filter(isVisible).reduce(applyMutation, server);
}
