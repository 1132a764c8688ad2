// Chapter 3: everybody is back at the same moment, and an answer gets lost.

import { untilQuiet } from '../devices/quiet.mjs';
import { count, duration, number } from '../report/narrator.mjs';
import { rowsOfTeam } from '../verify/rows.mjs';
import { allDevices } from './context.mjs';

/**
 * @typedef {import('./context.mjs').Story} Story
 *
 * @typedef {object} Reunion
 * @property {number} seconds from the first device coming back until all have everything
 * @property {number} mutations sent in that time
 * @property {number} evicted rows that went from the tablet
 * @property {string[]} leftovers row ids of the lost team that are still there
 */

/**
 * @param {Story} story
 * @param {import('../timeline.mjs').Offline[]} periods
 * @param {Map<string, import('../tables.mjs').JsonRow>} before rows of the tablet, before the network went
 * @returns {Promise<Reunion>}
 */
export async function reconnect(story, periods, before) {
  const { devices, world, narrator, timeline, ledger } = story;
  timeline.chapter('Back online');
  narrator.chapter('Back online');
  const { laptop, tablet } = devices;
  laptop.network.loseNextAnswer('push');
  narrator.say(
    'All three come back at the same moment. The first answer to the laptop gets lost on the way.',
  );

  const startedAt = performance.now();
  for (const device of allDevices(story)) device.goOnline();
  for (const period of periods) period.to = timeline.since();
  await untilQuiet(allDevices(story));
  const seconds = (performance.now() - startedAt) / 1_000;
  timeline.endChapter();

  for (const device of allDevices(story)) tellVerdicts(story, device);
  const shown = await tablet.rows();
  const leftovers = rowsOfTeam(shown, world.teams.archive);
  const archived = rowsOfTeam(before, world.teams.archive);
  const evicted = archived.filter((id) => !shown.has(id)).length;
  const revokedAt = timeline.heardAt(tablet.name, ({ revoked }) => revoked);
  timeline.mark(tablet.name, 'eviction', `${count(evicted, 'row')} evicted`, revokedAt);
  narrator.say(
    `Nobody waits any more after ${duration(seconds * 1_000)}. ${count(evicted, 'row')} of the archive left Ben's tablet.`,
  );
  const mutations = ledger.entries.length - ledger.inBase;
  return { seconds, mutations, evicted, leftovers };
}

/** @param {Story} story @param {import('../devices/device.mjs').Device} device */
function tellVerdicts({ ledger, narrator, timeline }, device) {
  const own = ledger.entries.slice(ledger.inBase).filter((entry) => entry.device === device);
  const having = (/** @type {string} */ status) =>
    own.filter(({ verdict }) => verdict?.status === status);
  const [merged, conflicts, rejected] = ['merged', 'conflict', 'rejected'].map(having);
  const parts = [`${number(having('applied').length)} applied`, `${number(merged.length)} merged`];
  if (conflicts.length > 0) parts.push(count(conflicts.length, 'conflict'));
  if (rejected.length > 0) parts.push(`${rejected.length} rejected`);
  narrator.device(device.name, parts.join(', '));
  const heardAt = (/** @type {string} */ verdict) =>
    timeline.heardAt(device.name, ({ verdicts }) => verdicts.has(verdict));
  if (conflicts.length > 0) {
    timeline.mark(
      device.name,
      'conflict',
      count(conflicts.length, 'conflict'),
      heardAt('conflict'),
    );
  }
  if (rejected.length > 0) {
    timeline.mark(device.name, 'rejected', `${rejected.length} rejected`, heardAt('rejected'));
  }
  for (const { edit, verdict } of rejected) {
    if (verdict?.status !== 'rejected') continue;
    narrator.detail(
      `${edit.op} ${edit.table} ${edit.kind}: ${verdict.error.code} ${verdict.error.message}`,
    );
  }
}
