// Is every acknowledged edit on the server, or refused with a reason? And none of them twice?

import { nameOf } from './facts.mjs';

/**
 * @typedef {import('./facts.mjs').Fact} Fact
 * @typedef {import('./facts.mjs').Finding} Finding
 *
 * @typedef {object} Traces what the database remembers of mutations; keys are made by `traceId`
 * @property {Map<string, number>} written how often a mutation wrote a row
 * @property {Set<string>} decided mutations with a decision on a contested column
 * @property {Map<string, string>} refused SQLSTATE of mutations that wait as dead letters
 * @property {Map<string, number>} acknowledged the last seq that was acknowledged, by device id
 */

/**
 * @param {string} deviceId
 * @param {number | string} seq
 */
export const traceId = (deviceId, seq) => `${deviceId}/${seq}`;

/**
 * Acknowledged edits of which the database knows nothing, or not what the device was told.
 *
 * @param {Fact[]} facts
 * @param {Traces} traces
 * @returns {Finding[]}
 */
export function findLost(facts, traces) {
  return facts.flatMap((fact) => {
    const problem = problemOf(fact, traces);
    return problem === null ? [] : [{ what: `${nameOf(fact)}: ${problem}` }];
  });
}

/**
 * @param {Fact} fact
 * @param {Traces} traces
 * @returns {string | null}
 */
function problemOf(fact, traces) {
  const id = traceId(fact.deviceId, fact.seq);
  if (fact.hlc === null) return 'never left the device';
  if (fact.seq > (traces.acknowledged.get(fact.deviceId) ?? 0))
    return 'not acknowledged by the server';
  switch (fact.verdict) {
    case 'applied':
    case 'merged': {
      const left = traces.written.has(id) || traces.decided.has(id);
      // Deleting what somebody else has deleted leaves nothing; the rows themselves are checked, too.
      return left || fact.edit.op === 'delete' ? null : `${fact.verdict}, but without a trace`;
    }
    case 'conflict':
      return traces.decided.has(id) ? null : 'a conflict that is not recorded';
    case 'rejected':
      return traces.refused.has(id) ? null : 'rejected, but not kept with a reason';
    default:
      return `no verdict (${fact.verdict})`;
  }
}

/**
 * Mutations that wrote a row more than once.
 *
 * @param {Fact[]} facts
 * @param {Traces} traces
 * @returns {Finding[]}
 */
export function findRepeated(facts, traces) {
  return facts.flatMap((fact) => {
    const times = traces.written.get(traceId(fact.deviceId, fact.seq)) ?? 0;
    return times > 1 ? [{ what: `${nameOf(fact)}: written ${times} times` }] : [];
  });
}
