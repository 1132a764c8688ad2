// Chapter 6: everything is held against the database.

import { findLost, findRepeated } from '../verify/account.mjs';
import { readPolicies, readTraces, storedRows } from '../verify/database.mjs';
import { expectedRows } from '../verify/expected.mjs';
import { factsOf } from '../verify/facts.mjs';
import { compareWithExpected, findDifferent } from '../verify/rows.mjs';
import { allDevices, storyIds } from './context.mjs';

/**
 * @typedef {import('./context.mjs').Story} Story
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../verify/facts.mjs').Finding} Finding
 *
 * @typedef {object} Outcome
 * @property {import('../verify/facts.mjs').Fact[]} facts
 * @property {Finding[]} lost
 * @property {Finding[]} duplicated
 * @property {number} rows rows that were compared with what the edits add up to
 */

/**
 * Accounts for every acknowledged edit.
 *
 * @param {Story} story
 * @param {Map<string, JsonRow>} base rows on the server when the devices came back
 * @param {import('../verify/expected.mjs').Resolution[]} resolutions
 * @returns {Promise<Outcome>}
 */
export async function account(story, base, resolutions) {
  const { sql, ledger, people, world } = story;
  const facts = factsOf(ledger);
  const traces = await readTraces(
    sql,
    allDevices(story).map(({ id }) => id),
  );
  const policies = await readPolicies(sql);
  const expected = expectedRows({ base, facts, policies, resolutions });
  const stored = await storedRows(sql, storyIds(story));
  // Made and taken by the administrator, not by an edit.
  const membership = `team_member/${world.teams.archive}/${people.ben.id}`;
  stored.delete(membership);
  const rows = compareWithExpected(expected, stored);
  return {
    facts,
    lost: [...findLost(facts, traces), ...rows.lost],
    duplicated: [...findRepeated(facts, traces), ...rows.duplicated],
    rows: stored.size,
  };
}

/**
 * Devices that do not hold, byte by byte, what the database has and the REST API shows.
 *
 * @param {Story} story
 * @returns {Promise<Map<string, Finding[]>>} findings by device; none where it has converged
 */
export async function compareDevices(story) {
  const stored = await storedRows(story.sql, storyIds(story));
  const entries = await Promise.all(
    allDevices(story).map(async (device) => {
      const rest = await device.rest();
      const visible = rowsOf(stored, device.person.id);
      const findings = [
        ...findDifferent(device.name, await device.rows(), 'the REST API', rest),
        ...findDifferent('the REST API', rest, 'the database', visible),
      ];
      return /** @type {const} */ ([device.name, findings]);
    }),
  );
  return new Map(entries);
}

/**
 * What a person may see: their own rows, and those of their teams.
 *
 * @param {Map<string, JsonRow>} stored
 * @param {string} userId
 */
function rowsOf(stored, userId) {
  const teams = new Set(
    [...stored]
      .filter(([id, row]) => id.startsWith('team_member/') && row.user_id === userId)
      .map(([, row]) => row.team_id),
  );
  return new Map(
    [...stored].filter(([id, row]) => {
      if (id.startsWith('team/')) return teams.has(row.id);
      return row.team_id === undefined ? row.user_id === userId : teams.has(row.team_id);
    }),
  );
}
