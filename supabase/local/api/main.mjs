// The process that serves /rest/v1 and /auth/v1: @supabase/lite in front of Postgres.

import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import postgres from 'postgres';
import { databaseUrl, readState } from '../src/state.mjs';
import { createApi } from './app.mjs';
import { Reloader } from './reloader.mjs';

/** Longer than the gateway keeps an idle connection, so that it never writes to a closed one. */
const KEEP_ALIVE_MS = 65_000;

// The driver postgres 3.4.9 delays small writes, and throws outside of any promise when the connection was
// closed meanwhile (by a restart of Postgres, or the end of a pool). Nobody waits for such a write.
process.on('uncaughtException', (error) => {
  console.error(error);
  const isLateWrite = error instanceof TypeError && error.stack?.includes('nextWrite');
  if (!isLateWrite) process.exit(1);
});

const state = readState();
if (!state) throw new Error('there is no stack; run up.mjs');

const reloader = new Reloader(() => createApi(state));

const notifications = postgres(databaseUrl(state), {
  max: 1,
  connection: { application_name: 'supabase api: schema watch' },
});
const reloadFromNotice = () =>
  reloader.reload().catch((error) => console.error('reload failed:', error));
let connectedBefore = false;
await notifications.listen(
  'pgrst',
  (payload) => {
    if (payload === '' || payload === 'reload schema') reloadFromNotice();
  },
  () => {
    // Notifications may have been missed while the connection was lost.
    if (connectedBefore) reloadFromNotice();
    connectedBefore = true;
  },
);
await reloader.reload();

const listener = getRequestListener(async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/_stack/health') return new Response('ok');
  if (pathname === '/_stack/reload') {
    await reloader.reload();
    return new Response('ok');
  }
  return reloader.fetch(request);
});

const server = createServer(listener);
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen(state.ports.api, '127.0.0.1');

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await Promise.allSettled([notifications.end({ timeout: 1 }), reloader.close()]);
  process.exit(0);
});
