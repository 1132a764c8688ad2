// The process behind SUPABASE_URL: one HTTP port for REST, auth and Realtime.

import { createServer } from 'node:http';
import { createRealtime } from '../realtime/server.mjs';
import { apiUrl, databaseUrl, readState } from '../src/state.mjs';
import { createProxy } from './proxy.mjs';
import { answerJson, answerPreflight } from './responses.mjs';

const REALTIME_PATH = '/realtime/v1/';
const PROXIED_PATHS = ['/rest/v1/', '/auth/v1/'];

const state = readState();
if (!state) throw new Error('there is no stack; run up.mjs');

const toApi = createProxy(apiUrl(state));
const realtime = await createRealtime({
  databaseUrl: databaseUrl(state),
  jwtSecret: state.jwtSecret,
});

const server = createServer((request, response) => {
  const path = request.url ?? '/';
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
    answerPreflight(request, response);
  } else if (PROXIED_PATHS.some((prefix) => path.startsWith(prefix))) {
    toApi(request, response);
  } else if (path.startsWith(`${REALTIME_PATH}api/`)) {
    answerJson(response, 403, { message: 'This stack takes broadcasts from SQL only' });
  } else if (path === '/_stack/health') {
    answerJson(response, 200, {});
  } else {
    answerJson(response, 404, { message: 'no Route matched with those values' });
  }
});
server.keepAliveTimeout = 65_000;
server.on('upgrade', (request, socket, head) => {
  // A client that goes away in the middle of the handshake is no reason to fall over.
  socket.on('error', () => socket.destroy());
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gateway');
  if (pathname === `${REALTIME_PATH}websocket`) {
    realtime.upgrade(request, socket, head, searchParams);
  } else {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
  }
});
server.listen(state.ports.gateway, '127.0.0.1');

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await realtime.close();
  process.exit(0);
});
