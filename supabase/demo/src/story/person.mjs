// Chapter 5: some things only a person can decide.

import { untilQuiet } from '../devices/quiet.mjs';
import { count, duration } from '../report/narrator.mjs';
import { rowId } from '../tables.mjs';
import { allDevices } from './context.mjs';
import { shows } from './together.mjs';

/**
 * @typedef {import('./context.mjs').Story} Story
 * @typedef {import('../devices/device.mjs').Device} Device
 * @typedef {import('../verify/facts.mjs').Finding} Finding
 */

/**
 * @param {Story} story
 * @returns {Promise<{ resolutions: import('../verify/expected.mjs').Resolution[], findings: Finding[], waiting: number }>}
 *   waiting: conflicts that are left
 */
export async function decide(story) {
  const { narrator, timeline } = story;
  timeline.chapter('A person decides');
  narrator.chapter('A person decides');
  const findings = await findInvisible(story);
  const waiting = await countWaiting(story);
  const device = allDevices(story).find(({ db }) => db.status.get().conflicts > 0);
  if (!device) throw new Error('there is no conflict to decide about');
  const [conflict] = await device.db.conflicts.list();
  const id = String(conflict.key.id);
  const { grade } = /** @type {{ grade: number }} */ (/** @type {unknown} */ (conflict.mine));
  const theirs = /** @type {{ grade: number }} */ (/** @type {unknown} */ (conflict.theirs)).grade;
  const { name } = device.person;
  const known = count(waiting, 'note was', 'notes were');
  narrator.say(
    `${known} graded twice. ${name}'s ${device.name} shows both: mine ${grade}, theirs ${theirs}.`,
  );

  await Promise.all(
    allDevices(story).map((each) =>
      each.until('it listens for wake-ups', ({ realtime }) => realtime === 'joined'),
    ),
  );
  const startedAt = performance.now();
  await device.db.conflicts.resolve(conflict.id, 'mine');
  timeline.mark(device.name, 'resolved', `${name} decides`);
  await Promise.all(
    allDevices(story).map((each) => shows(each, id, (note) => note.grade === grade)),
  );
  const took = performance.now() - startedAt;
  await untilQuiet(allDevices(story));
  narrator.say(
    `${name} takes "mine". All three devices show ${grade} after ${duration(took)}; ${waiting - 1} wait for a decision.`,
  );
  const left = await countWaiting(story);
  if (left !== waiting - 1) findings.push({ what: `${left} conflicts wait, not ${waiting - 1}` });
  return {
    resolutions: [{ rowId: rowId('note', { id }), column: 'grade', value: grade }],
    findings,
    waiting: left,
  };
}

/** Conflicts that the person who has to decide cannot see on one of their devices. @param {Story} story */
async function findInvisible(story) {
  const lists = await Promise.all(allDevices(story).map(({ db }) => db.conflicts.list()));
  const visible = lists.map((list) => new Set(list.map(({ id }) => id)));
  /** @type {Finding[]} */
  const findings = [];
  for (const { device, verdict } of story.ledger.entries) {
    if (verdict?.status !== 'conflict') continue;
    allDevices(story).forEach((other, i) => {
      if (other.person !== device.person || visible[i].has(verdict.conflictId)) return;
      findings.push({ what: `conflict ${verdict.conflictId} is not shown on ${other.name}` });
    });
  }
  return findings;
}

/** Conflicts that wait on any device, each counted once. @param {Story} story */
async function countWaiting(story) {
  const lists = await Promise.all(allDevices(story).map(({ db }) => db.conflicts.list()));
  return new Set(lists.flat().map(({ id }) => id)).size;
}
