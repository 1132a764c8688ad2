// Measures a running stack: node supabase/local/measure.mjs
//
// Prints one JSON object: milliseconds from a call to its answer, as median and 95th percentile.

import { randomUUID } from 'node:crypto';
import { createClient } from '@supabase/supabase-js';
import postgres from 'postgres';
import { WebSocket } from 'ws';
import { signToken } from './src/keys.mjs';
import { reloadApi } from './src/services.mjs';
import { databaseUrl, gatewayUrl, readState } from './src/state.mjs';

const RUNS = 200;
const WARM_UP_RUNS = 20;

const state = readState();
if (!state) throw new Error('there is no stack; run up.mjs');
const userId = randomUUID();
const token = await signToken({ sub: userId, role: 'authenticated' }, state.jwtSecret, 600);
const client = createClient(gatewayUrl(state), state.anonKey, {
  accessToken: async () => token,
  realtime: { transport: /** @type {any} */ (WebSocket) },
});
const sql = postgres(databaseUrl(state), { onnotice: () => {} });

// Names of their own, so that nothing of the database's owner is touched.
const name = `measure_${randomUUID().replaceAll('-', '')}`;
const topic = `measure:${userId}`;
await sql.unsafe(`
  create function public.${name}(p_value jsonb) returns jsonb language sql as 'select p_value';
  create policy ${name} on realtime.messages for select to authenticated
  using ((select realtime.topic()) = 'measure:' || (select auth.uid())::text)`);
try {
  await reloadApi(state);
  const rpc = await measure(async () => {
    const { error } = await client.rpc(name, { p_value: { v: 1 } });
    if (error) throw error;
  });
  const read = await measure(async () => {
    const { error } = await client.from('note').select('id').limit(1);
    if (error) throw error;
  });
  const broadcast = await measureBroadcast();
  console.log(JSON.stringify({ runs: RUNS, unit: 'ms', rpc, read, broadcast }, null, 2));
} finally {
  await sql.unsafe(`
    drop policy ${name} on realtime.messages;
    drop function public.${name}(jsonb)`);
  await sql.end();
}
// realtime-js keeps the process alive for 10 s after a disconnect.
process.exit();

/** From `realtime.send` in its own transaction to the callback of a joined channel. */
async function measureBroadcast() {
  await client.realtime.setAuth();
  /** @type {(value?: unknown) => void} */
  let received = () => {};
  const channel = client.channel(topic, { config: { private: true } });
  channel.on('broadcast', { event: 'wake' }, () => received());
  await new Promise((resolve, reject) => {
    channel.subscribe((status, error) => {
      if (status === 'SUBSCRIBED') resolve(undefined);
      else reject(error ?? new Error(status));
    });
  });
  return measure(async () => {
    const arrival = new Promise((resolve) => {
      received = resolve;
    });
    await sql`select realtime.send('{"v": 1}', 'wake', ${topic})`;
    await arrival;
  });
}

/** @param {() => Promise<void>} once */
async function measure(once) {
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await once();
  /** @type {number[]} */
  const times = [];
  for (let run = 0; run < RUNS; run += 1) {
    const startedAt = performance.now();
    await once();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => Number(times[Math.floor(share * RUNS)].toFixed(2));
  return { p50: at(0.5), p95: at(0.95) };
}
