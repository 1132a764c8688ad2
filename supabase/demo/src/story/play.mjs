// The whole story, and what came out.

import { count, number, tally } from '../report/narrator.mjs';
import { account, compareDevices } from './check.mjs';
import { allDevices } from './context.mjs';
import { offline } from './offline.mjs';
import { decide } from './person.mjs';
import { reconnect } from './reconnect.mjs';
import { letIn } from './return.mjs';
import { together } from './together.mjs';

/**
 * @typedef {import('./context.mjs').Setting} Setting
 * @typedef {import('../verify/facts.mjs').Finding} Finding
 *
 * @typedef {object} Result
 * @property {import('../report/table.mjs').Numbers} numbers
 * @property {Record<string, string>} notes remarks on the numbers, by row of the table
 * @property {Finding[]} findings everything that is off; none when all is well
 */

/**
 * @param {Setting} setting
 * @returns {Promise<Result>}
 */
export async function play(setting) {
  const story = await together(setting);
  try {
    const before = await story.devices.tablet.rows();
    const { base, periods } = await offline(story);
    const reunion = await reconnect(story, periods, before);
    const apart = await compareDevices(story);
    await letIn(story);
    const decision = await decide(story);
    return await check(story, { base, reunion, apart, decision });
  } finally {
    await Promise.all(allDevices(story).map((device) => device.close()));
  }
}

/**
 * @param {import('./context.mjs').Story} story
 * @param {object} told
 * @param {Map<string, import('../tables.mjs').JsonRow>} told.base
 * @param {import('./reconnect.mjs').Reunion} told.reunion
 * @param {Map<string, Finding[]>} told.apart how the devices compared while Ben was locked out
 * @param {Awaited<ReturnType<typeof decide>>} told.decision
 * @returns {Promise<Result>}
 */
async function check(story, { base, reunion, apart, decision }) {
  const { narrator, timeline } = story;
  timeline.endChapter();
  narrator.chapter('Checked against the database');
  const { facts, lost, duplicated, rows } = await account(story, base, decision.resolutions);
  const together = await compareDevices(story);
  const converged = allDevices(story).filter(
    ({ name }) => together.get(name)?.length === 0 && apart.get(name)?.length === 0,
  ).length;
  const having = (/** @type {string} */ verdict) =>
    facts.filter((fact) => fact.verdict === verdict).length;
  const numbers = {
    sent: facts.length,
    applied: having('applied'),
    merged: having('merged'),
    conflicts: having('conflict'),
    rejected: having('rejected'),
    lost: lost.length,
    duplicated: duplicated.length,
    evicted: reunion.evicted,
    converged,
    devices: together.size,
    seconds: reunion.seconds,
    rowsPerSecond: reunion.mutations / reunion.seconds,
  };
  const leftovers = reunion.leftovers.map((id) => ({ what: `${id}: still on the tablet` }));
  const unequal = [...apart.values(), ...together.values()].flat();
  const findings = [...lost, ...duplicated, ...unequal, ...leftovers, ...decision.findings];
  if (reunion.evicted === 0) findings.push({ what: 'nothing was evicted from the tablet' });
  for (const what of findings.slice(0, 20)) narrator.bad(what.what);
  if (findings.length === 0) {
    narrator.good(`each of ${number(facts.length)} acknowledged edits is accounted for, each once`);
    narrator.good(
      `${count(rows, 'row')} are exactly what the edits add up to, likes to the last one`,
    );
    narrator.good('every device holds, byte for byte, what the REST API shows to its person');
    narrator.good(`what Ben may not see was gone from his tablet until he was let in again`);
  } else if (findings.length > 20) narrator.bad(`and ${findings.length - 20} more`);
  return { numbers, notes: notesOf(story, decision.waiting), findings };
}

/** SQLSTATEs of the story, in words. @type {Record<string, string>} */
const REASONS = { 23514: 'against a check constraint', 42501: 'not permitted any more' };

/**
 * @param {import('./context.mjs').Story} story
 * @param {number} waiting conflicts that nobody has decided about
 * @returns {Record<string, string>}
 */
function notesOf({ ledger }, waiting) {
  const reasons = ledger.entries.flatMap(({ verdict }) =>
    verdict?.status === 'rejected' ? [REASONS[verdict.error.code] ?? verdict.error.code] : [],
  );
  return {
    conflicts: `1 decided by a person, ${waiting} waiting`,
    rejected: `${tally(reasons)}; each kept with its reason`,
    seconds: 'from coming back until nobody has anything left to tell',
  };
}
