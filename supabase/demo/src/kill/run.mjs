// One run: devices write through the API while backends and the server are killed, then everybody comes to rest.

import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../../local/src/wait.mjs';
import { seededRandom } from '../client.mjs';
import { signUp } from '../devices/people.mjs';
import { check } from './check.mjs';
import { KillDevice } from './device.mjs';
import { History } from './history.mjs';
import { KillableStack } from './server.mjs';
import { createTable, TABLE } from './table.mjs';

/**
 * @typedef {object} Size
 * @property {number} backends backends to kill, each in the middle of a push
 * @property {number} servers times to kill the whole server
 * @property {number} devices
 * @property {number} rows that all devices edit
 * @property {number} seed
 * @property {string} history file that gets the history
 */

/** The longest a push is let run on before it is killed; about what one takes. */
const INTO_PUSH_MS = 15;

/** @param {Size} size */
export async function runKills(size) {
  const stack = new KillableStack();
  const history = new History(size.history);
  const startedAt = performance.now();
  try {
    await stack.up();
    await createTable(stack.admin);
    const devices = await startDevices(stack.env, size, history);
    const [first] = devices;
    for (let i = 0; i < size.rows; i += 1)
      await first.db.kill_item.insert({ title: `shared first:${i}`, tags: [`first:${i}`] });
    for (const device of devices) await device.synced();

    const work = Promise.all(devices.map((device) => device.work()));
    // A device that fails ends the run.
    await Promise.race([killAll(stack, size, history), work]);
    for (const device of devices) device.stop();
    await work;
    await rest(devices);
    await record(stack.admin, devices, history);
    for (const device of devices) await device.db.close();
    const findings = check(history.events);
    return {
      ...figures(history.events),
      findings,
      seconds: (performance.now() - startedAt) / 1_000,
    };
  } finally {
    history.close();
    await stack.remove();
  }
}

/** @param {import('../stack.mjs').Stack} env @param {Size} size @param {History} history */
async function startDevices(env, { devices, seed }, history) {
  const started = [];
  for (let i = 0; i < devices; i += 1) {
    const name = `d${i + 1}`;
    const { person } = await signUp(env, name);
    const device = new KillDevice(name, person, env, 1_000 * seed + i, history);
    await device.start();
    started.push(device);
  }
  return started;
}

/** Kills, one after the other, each after pushes have got through again. @param {KillableStack} stack @param {Size} size @param {History} history */
async function killAll(stack, { backends, servers, seed }, history) {
  const random = seededRandom(seed);
  const left = { backend: backends, server: servers };
  while (left.backend + left.server > 0) {
    const target = random() * (left.backend + left.server) < left.server ? 'server' : 'backend';
    const answered = history.answeredPushes;
    await stack.answers();
    await until('pushes get through', () => history.answeredPushes > answered, {
      deadlineMs: 60_000,
      intervalMs: 5,
    });
    const moment = random() * INTO_PUSH_MS;
    await until('a push is killed', () => killOne(stack, target, moment), {
      deadlineMs: 60_000,
      intervalMs: 0,
    });
    left[target] -= 1;
    history.add('kill', { target, after_ms: moment });
  }
}

/** @param {KillableStack} stack @param {'backend' | 'server'} target @param {number} moment */
async function killOne(stack, target, moment) {
  const backend = await stack.pushing();
  if (!backend) return false;
  await delay(moment);
  if (target === 'backend') return stack.killInPush(backend);
  await stack.killServer();
  return true;
}

/** Everybody tells everybody everything: a round in which nothing was pending and nothing came. @param {KillDevice[]} devices */
async function rest(devices) {
  for (let round = 0; round < 2; round += 1) for (const device of devices) await device.synced();
  for (const device of devices) {
    const { pending } = device.db.status.get();
    if (pending > 0) throw new Error(`${device.name} still has ${pending} mutations`);
  }
}

/** What everybody has, and what the server says of how it came to be. @param {import('postgres').Sql} sql @param {KillDevice[]} devices @param {History} history */
async function record(sql, devices, history) {
  for (const device of devices)
    history.add('final', { process: device.name, rows: await device.rows() });
  const found = await sql.unsafe(`select to_jsonb(item) as row from ${TABLE} as item order by id`);
  history.add('final', { process: 'server', rows: found.map(({ row }) => row) });
  const people = new Map(devices.map(({ name, person }) => [person.id, name]));
  /** @param {any} entry */
  const named = ({ user_id, ...entry }) => ({ process: people.get(user_id), ...entry });
  const log = await sql`
    select user_id, device_seq::text as seq, column_name as column, policy, outcome
    from offline_data.conflict_resolution_log
  `;
  history.add('log', { entries: log.map(named) });
  const writes = await sql`
    select state.user_id, history.device_seq::text as seq, count(*)::int as times
    from offline_data.row_history as history
    join offline_data.device_sync_state as state using (device_id)
    group by 1, 2
  `;
  history.add('writes', { entries: writes.map(named) });
}

/** @param {any[]} events */
function figures(events) {
  const count = (/** @type {(event: any) => boolean} */ holds) => events.filter(holds).length;
  const mutations = new Set(
    events.flatMap(({ type, process, mutations: sent }) =>
      type === 'invoke' && sent
        ? sent.map((/** @type {any} */ { seq }) => `${process}/${seq}`)
        : [],
    ),
  );
  const results = events.flatMap(({ type, fn, results: list }) =>
    type === 'ok' && fn === 'push' ? list : [],
  );
  return {
    backends: count(({ type, target }) => type === 'kill' && target === 'backend'),
    servers: count(({ type, target }) => type === 'kill' && target === 'server'),
    mutations: mutations.size,
    pushes: count(({ type, fn }) => type === 'invoke' && fn === 'push'),
    unanswered: count(({ type, fn }) => type === 'unknown' && fn === 'push'),
    pulls: count(({ type, fn }) => type === 'ok' && fn === 'pull'),
    duplicates: results.filter(({ status }) => status === 'duplicate').length,
    merged: results.filter(({ status }) => status === 'merged').length,
  };
}
