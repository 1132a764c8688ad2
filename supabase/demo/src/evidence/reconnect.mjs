// A device comes back with thousands of new rows, next to supabase-js writing the same rows.

import { randomUUID } from 'node:crypto';
import { Device } from '../devices/device.mjs';
import { signUp } from '../devices/people.mjs';
import { foundTeam } from '../devices/team.mjs';
import { Ledger } from '../ledger.mjs';
import { newNote } from '../plan/edit.mjs';
import { perform } from '../plan/perform.mjs';

/**
 * @typedef {import('../stack.mjs').Stack} Stack
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('@supabase/supabase-js').SupabaseClient} SupabaseClient
 *
 * @typedef {object} Round
 * @property {number} seconds of the device: from the network's return until it has heard of every
 *   mutation and has pulled
 * @property {number} upsertSeconds of supabase-js
 */

/** As many as the client puts into one push, so both make the same number of requests. */
const UPSERT_ROWS = 1_000;

/**
 * One round: both write rows of the same content to the same table, one after the other.
 *
 * @param {Stack} stack
 * @param {number} mutations
 * @param {boolean} upsertFirst
 * @returns {Promise<Round>}
 */
export async function measureRound(stack, mutations, upsertFirst) {
  const { person, supabase } = await signUp(stack, 'Ada');
  const team = await foundTeam(supabase, 'reconnect', []);
  const device = new Device('laptop', person, stack, 1, { isObserved: false });
  await device.start();
  device.goOffline();
  await perform(device, rowsOf(team, person.id, mutations).map(asEdit), new Ledger());
  const upserted = rowsOf(team, person.id, mutations);

  const first = upsertFirst ? await upsert(supabase, upserted) : 0;
  const seconds = await comeBack(device, mutations);
  const upsertSeconds = upsertFirst ? first : await upsert(supabase, upserted);
  await device.close();
  return { seconds, upsertSeconds };
}

/** @param {string} team @param {string} author @param {number} count */
const rowsOf = (team, author, count) =>
  Array.from({ length: count }, (_, i) => ({
    id: randomUUID(),
    team_id: team,
    author,
    title: `Note ${i + 1}`,
    body: 'Written on the train, somewhere between two stations, and kept until there was a network.',
    likes: i % 10,
  }));

/** @param {ReturnType<typeof rowsOf>[number]} row */
const asEdit = ({ id, ...values }) => [newNote(id, values)];

/** @param {Device} device @param {number} mutations */
async function comeBack(device, mutations) {
  const { pending } = device.db.status.get();
  if (pending !== mutations) throw new Error(`${pending} mutations wait, not ${mutations}`);
  const startedAt = performance.now();
  device.goOnline();
  await device.until(
    'everything is synced',
    (status) => status.pending === 0 && status.phase === 'idle',
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const { rejected } = device.db.status.get();
  if (rejected > 0) throw new Error(`${rejected} mutations were rejected`);
  return seconds;
}

/** @param {SupabaseClient} supabase @param {object[]} rows @returns {Promise<number>} seconds */
async function upsert(supabase, rows) {
  const startedAt = performance.now();
  for (let from = 0; from < rows.length; from += UPSERT_ROWS) {
    const { error } = await supabase.from('note').upsert(rows.slice(from, from + UPSERT_ROWS));
    if (error) throw error;
  }
  return (performance.now() - startedAt) / 1_000;
}
