// Several devices edit the same rows without a network, come back together, and must hold the same.

import { randomUUID } from 'node:crypto';
import { seededRandom } from '../client.mjs';
import { Device } from '../devices/device.mjs';
import { signUp } from '../devices/people.mjs';
import { untilQuiet } from '../devices/quiet.mjs';
import { foundTeam, importRows } from '../devices/team.mjs';
import { Ledger } from '../ledger.mjs';
import { integer, pick, pickWeighted } from '../plan/dice.mjs';
import { changeNote } from '../plan/edit.mjs';
import { perform } from '../plan/perform.mjs';
import { findLost, findRepeated } from '../verify/account.mjs';
import { readPolicies, readTraces, storedRows } from '../verify/database.mjs';
import { expectedRows } from '../verify/expected.mjs';
import { factsOf } from '../verify/facts.mjs';
import { compareWithExpected, findDifferent } from '../verify/rows.mjs';

/**
 * @typedef {import('../stack.mjs').Stack} Stack
 * @typedef {import('../stack.mjs').Sql} Sql
 * @typedef {import('../verify/facts.mjs').Finding} Finding
 * @typedef {import('../plan/edit.mjs').Edit} Edit
 *
 * @typedef {object} Size
 * @property {number} devices
 * @property {number} edits of each device
 * @property {number} rows
 * @property {number} seed
 *
 * @typedef {object} Convergence
 * @property {Finding[]} different rows that differ between devices, API and database
 * @property {Finding[]} wrong edits that are not accounted for, and rows that are not what they add up to
 * @property {number} seconds from the first device coming back until nothing is left to tell
 */

/**
 * @param {Stack} stack
 * @param {Sql} sql
 * @param {Size} size
 * @returns {Promise<Convergence>}
 */
export async function converge(stack, sql, size) {
  const { devices, team, notes } = await prepare(stack, size);
  const ledger = new Ledger();
  for (const device of devices) device.goOffline();
  await Promise.all(
    devices.map((device, i) => perform(device, plan(device.name, notes, size, i), ledger)),
  );
  const base = await storedRows(sql, [team]);
  const startedAt = performance.now();
  for (const device of devices) device.goOnline();
  await untilQuiet(devices);
  const seconds = (performance.now() - startedAt) / 1_000;

  const stored = await storedRows(sql, [team]);
  const different = await compare(devices, stored);
  const facts = factsOf(ledger);
  const traces = await readTraces(
    sql,
    devices.map(({ id }) => id),
  );
  const policies = await readPolicies(sql);
  const rows = compareWithExpected(
    expectedRows({ base, facts, policies, resolutions: [] }),
    stored,
  );
  const wrong = [
    ...findLost(facts, traces),
    ...findRepeated(facts, traces),
    ...rows.lost,
    ...rows.duplicated,
  ];
  await Promise.all(devices.map((device) => device.close()));
  return { different, wrong, seconds };
}

/** Two devices a person, all people in one team. @param {Stack} stack @param {Size} size */
async function prepare(stack, { devices: count, rows, seed }) {
  const names = Array.from({ length: Math.ceil(count / 2) }, (_, i) => `Person${i + 1}`);
  const people = await Promise.all(names.map((name) => signUp(stack, name)));
  const [founder, ...others] = people;
  const team = await foundTeam(
    founder.supabase,
    'convergence',
    others.map(({ person }) => person.id),
  );
  const notes = Array.from({ length: rows }, () => randomUUID());
  const written = notes.map((id, i) => ({
    id,
    team_id: team,
    author: founder.person.id,
    title: `Note ${i + 1}`,
  }));
  await importRows(founder.supabase, 'note', written);
  const devices = Array.from({ length: count }, (_, i) => {
    const { person } = people[Math.floor(i / 2)];
    return new Device(`device${i + 1}`, person, stack, seed + i);
  });
  await Promise.all(devices.map((device) => device.start()));
  return { devices, team, notes };
}

/** @type {{ weight: number, make: (id: string, mark: string, by: number) => Edit }[]} */
const MIX = [
  { weight: 30, make: (id, mark) => changeNote('titles', id, { title: `Title ${mark}` }) },
  { weight: 25, make: (id, mark) => changeNote('texts', id, { body: `Body ${mark}` }) },
  { weight: 30, make: (id, _mark, by) => changeNote('likes', id, {}, { likes: by }) },
  { weight: 10, make: (id, mark) => changeNote('states', id, { status: `State ${mark}` }) },
  {
    weight: 5,
    make: (id, mark) => changeNote('titles', id, { title: `Both ${mark}`, body: `Both ${mark}` }),
  },
];

/** @param {string} name @param {string[]} notes @param {Size} size @param {number} i @returns {Edit[][]} */
function plan(name, notes, { edits, seed }, i) {
  const random = seededRandom(1_000 * seed + i);
  return Array.from({ length: edits }, (_, n) => {
    const { make } = pickWeighted(random, MIX);
    return [make(pick(random, notes), `${name}-${n + 1}`, integer(random, 1, 9))];
  });
}

/** @param {Device[]} devices @param {Map<string, import('../tables.mjs').JsonRow>} stored */
async function compare(devices, stored) {
  const findings = await Promise.all(
    devices.map(async (device) => {
      const rest = await device.rest();
      return [
        ...findDifferent(device.name, await device.rows(), 'the REST API', rest),
        ...findDifferent('the REST API', rest, 'the database', stored),
      ];
    }),
  );
  return findings.flat();
}
