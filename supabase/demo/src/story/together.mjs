// Chapter 1: everybody is online.

import { Device } from '../devices/device.mjs';
import { signUp } from '../devices/people.mjs';
import { foundTeam, importRows } from '../devices/team.mjs';
import { changeNote } from '../plan/edit.mjs';
import { perform } from '../plan/perform.mjs';
import { makeWorld } from '../plan/world.mjs';
import { count, duration } from '../report/narrator.mjs';
import { SERVER } from '../timeline.mjs';

/**
 * @typedef {import('./context.mjs').Setting} Setting
 * @typedef {import('./context.mjs').Story} Story
 */

/**
 * @param {Setting} setting
 * @returns {Promise<Story>}
 */
export async function together(setting) {
  const { stack, narrator, timeline, seed } = setting;
  timeline.chapter('Together');
  narrator.chapter('Together');
  const [ada, ben] = await Promise.all([signUp(stack, 'Ada'), signUp(stack, 'Ben')]);
  const teams = {
    trip: await foundTeam(ada.supabase, 'trip', [ben.person.id]),
    archive: await foundTeam(ada.supabase, 'archive', [ben.person.id]),
  };
  const { world, rows } = makeWorld(teams, ada.person.id);
  await importRows(ada.supabase, 'note', rows.note);
  await importRows(ada.supabase, 'team_task', rows.team_task);
  narrator.say(
    'Ada has a laptop and a phone, Ben has a tablet. They share two teams, "trip" and "archive".',
  );
  const imported = `${count(rows.note.length, 'note')} and ${count(rows.team_task.length, 'task')}`;
  narrator.say(`A plain supabase-js script imports ${imported}: it knows nothing of devices.`);

  const devices = {
    laptop: new Device('laptop', ada.person, stack, seed + 1),
    phone: new Device('phone', ada.person, stack, seed + 2),
    tablet: new Device('tablet', ben.person, stack, seed + 3),
  };
  const story = { ...setting, people: { ada: ada.person, ben: ben.person }, devices, world };
  await firstPull(story);
  await showWakeUp(story);
  return story;
}

/** @param {Story} story */
async function firstPull({ devices, timeline, narrator }) {
  const all = Object.values(devices);
  for (const device of all) timeline.follow(device);
  timeline.data.lanes.push({ id: SERVER, title: 'server', subtitle: 'Postgres' });
  const startedAt = performance.now();
  await Promise.all(all.map((device) => device.start()));
  const took = performance.now() - startedAt;
  const { size } = await devices.tablet.rows();
  narrator.say(
    `Each device signs in and pulls its ${count(size, 'row')}: ${duration(took)} for all three.`,
  );
}

/** Somebody writes, and somebody else sees it. @param {Story} story */
async function showWakeUp({ devices, world, ledger, narrator, timeline }) {
  const { phone, tablet } = devices;
  await Promise.all(
    Object.values(devices).map((device) =>
      device.until('it listens for wake-ups', ({ realtime }) => realtime === 'joined'),
    ),
  );
  const [id] = world.open;
  const title = 'Owl pellet, dissected';
  const startedAt = performance.now();
  timeline.mark(phone.name, 'edit', 'renames a note');
  await perform(phone, [[changeNote('titles', id, { title })]], ledger);
  await shows(tablet, id, (note) => note.title === title);
  const took = performance.now() - startedAt;
  narrator.say(`Ada renames a note on the phone. Ben's tablet shows it ${duration(took)} later.`);
}

/**
 * Waits until a device shows a note as wanted.
 *
 * @param {import('../devices/device.mjs').Device} device
 * @param {string} id
 * @param {(note: import('../tables.mjs').Note) => boolean} isWanted
 * @param {number} [deadlineMs]
 * @returns {Promise<void>}
 */
export function shows(device, id, isWanted, deadlineMs = 20_000) {
  return new Promise((resolve, reject) => {
    const end = device.db.note.where({ id }).subscribe((notes) => {
      if (!notes.some(isWanted)) return;
      clearTimeout(timer);
      end();
      resolve();
    });
    const timer = setTimeout(() => {
      end();
      reject(new Error(`${device.name} does not show the change of ${id} after ${deadlineMs} ms`));
    }, deadlineMs);
  });
}
