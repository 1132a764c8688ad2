// Chapter 2: the network is gone, and everybody works on.

import { seededRandom } from '../client.mjs';
import { isRewrittenOffline } from '../plan/everyday.mjs';
import { perform } from '../plan/perform.mjs';
import { planSteps, shareOut } from '../plan/plan.mjs';
import { count, duration, number, tally } from '../report/narrator.mjs';
import { SERVER } from '../timeline.mjs';
import { storedRows } from '../verify/database.mjs';
import { allDevices, storyIds } from './context.mjs';

/**
 * @typedef {import('./context.mjs').Story} Story
 * @typedef {import('../timeline.mjs').Offline} Offline
 */

const LIKED_BY_SCRIPT = 100;
const REWRITTEN_BY_SCRIPT = 50;

/**
 * @param {Story} story
 * @returns {Promise<{ base: Map<string, import('../tables.mjs').JsonRow>, periods: Offline[] }>} the
 *   rows on the server when the devices come back, and the periods of the timeline to be ended then
 */
export async function offline(story) {
  const { narrator, timeline, ledger, edits } = story;
  timeline.chapter('Offline');
  narrator.chapter('Offline');
  ledger.inBase = ledger.entries.length;
  const devices = allDevices(story);
  for (const device of devices) device.goOffline();
  const periods = devices.map(({ name }) => timeline.goOffline(name));
  narrator.say('The network goes: laptop, phone and tablet are on their own. Everybody works on.');

  const shares = shareOut(edits);
  const startedAt = performance.now();
  const work = devices.map(async (device, i) => {
    const own = shares[/** @type {keyof typeof shares} */ (device.name)];
    periods[i].label = `${number(own)} edits`;
    const random = seededRandom(story.seed + 100 * (i + 1));
    const context = { device: device.name, userId: device.person.id, world: story.world, random };
    await perform(device, planSteps(context, own), ledger);
  });
  // All at the same time, so that edits of the same rows come in between each other.
  await Promise.all(work);
  const took = performance.now() - startedAt;
  for (const device of devices) tellWork(story, device);
  narrator.say(
    `${count(edits, 'edit')} in ${duration(took)}, each shown at once where it was made. The server knows of none.`,
  );
  await meanwhile(story);
  return { base: await storedRows(story.sql, storyIds(story)), periods };
}

/** @param {Story} story @param {import('../devices/device.mjs').Device} device */
function tellWork({ narrator, ledger }, device) {
  const own = ledger.entries.slice(ledger.inBase).filter((entry) => entry.device === device);
  const { pending } = device.db.status.get();
  if (pending !== own.length)
    throw new Error(`${device.name}: ${pending} edits wait, not ${own.length}`);
  narrator.device(
    device.name,
    `${count(own.length, 'edit')}: ${tally(own.map(({ edit }) => edit.kind))}`,
  );
}

/** What happens on the server while nobody looks. @param {Story} story */
async function meanwhile({ sql, world, people, narrator, timeline }) {
  await sql`
    delete from public.team_member
    where team_id = ${world.teams.archive} and user_id = ${people.ben.id}
  `;
  timeline.mark(SERVER, 'locked out', 'Ben loses the archive');
  const liked = world.open.slice(0, LIKED_BY_SCRIPT);
  const rewritten = world.open
    .filter((note, i) => !isRewrittenOffline(note, i))
    .slice(0, REWRITTEN_BY_SCRIPT);
  await sql`update public.note set likes = likes + 10 where id = any (${liked}::uuid[])`;
  await sql`update public.note set body = 'Rewritten at home' where id = any (${rewritten}::uuid[])`;
  narrator.say(
    `Meanwhile a script adds 10 likes to ${LIKED_BY_SCRIPT} notes and rewrites ${REWRITTEN_BY_SCRIPT} texts, ` +
      'and an administrator takes Ben out of the archive team.',
  );
}
