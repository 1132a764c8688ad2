// Small stories for the tests: what devices did, and what a correct database would remember of it.

import { traceId } from '../src/verify/account.mjs';

/**
 * @typedef {import('../src/verify/facts.mjs').Fact} Fact
 * @typedef {import('../src/verify/account.mjs').Traces} Traces
 */

export const NOTE_POLICY = {
  note: {
    default: 'last_write_wins',
    columns: { likes: 'counter', status: 'server_wins', grade: 'manual' },
  },
  team_task: { default: 'last_write_wins' },
  quiz_answer: {
    default: 'last_write_wins',
    columns: { choice: 'client_wins', score: 'max', answered_at: 'min' },
  },
};

/**
 * An edit of note `n` that the server took; `change` makes it another one.
 *
 * @param {Partial<Omit<Fact, 'edit'>> & { edit?: Partial<Fact['edit']> }} change
 * @returns {Fact}
 */
export function fact({ edit, ...change }) {
  const whole = {
    kind: 'titles',
    op: 'update',
    table: 'note',
    key: { id: 'n' },
    patch: {},
    ...edit,
  };
  return /** @type {Fact} */ ({
    device: 'laptop',
    deviceId: `id of ${change.device ?? 'laptop'}`,
    seq: 1,
    sent: whole.patch,
    hlc: BigInt(change.seq ?? 1),
    verdict: 'applied',
    isInBase: false,
    ...change,
    edit: whole,
  });
}

/**
 * What a correct database remembers of these edits.
 *
 * @param {Fact[]} facts
 * @returns {Traces}
 */
export function tracesOf(facts) {
  /** @type {Traces} */
  const traces = {
    written: new Map(),
    decided: new Set(),
    refused: new Map(),
    acknowledged: new Map(),
  };
  for (const { deviceId, seq, verdict } of facts) {
    const id = traceId(deviceId, seq);
    if (verdict === 'applied' || verdict === 'merged') traces.written.set(id, 1);
    if (verdict === 'conflict') traces.decided.add(id);
    if (verdict === 'rejected') traces.refused.set(id, '23514');
    traces.acknowledged.set(deviceId, Math.max(seq, traces.acknowledged.get(deviceId) ?? 0));
  }
  return traces;
}

/** @param {{ what: string }[]} findings */
export const lines = (findings) => findings.map(({ what }) => what);
