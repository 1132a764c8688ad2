// Passes requests on to the API and streams the answers back.

import { Agent, request as httpRequest } from 'node:http';
import { pipeline } from 'node:stream';
import { answerJson } from './responses.mjs';

/** Shorter than the API's own limit, so that the gateway is the one that closes. */
const IDLE_CONNECTION_MS = 30_000;

/** Headers that speak of one connection and must not be passed on to another. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * @param {string} target base URL of the API
 * @returns {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void}
 */
export function createProxy(target) {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  return (request, response) => {
    const upstream = httpRequest(
      new URL(request.url ?? '/', target),
      { agent, method: request.method, headers: forwarded(request) },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
        // An answer cut off half-way must look cut off to the client, too.
        pipeline(answer, response, (error) => error && response.destroy());
      },
    );
    upstream.on('error', () => {
      if (response.headersSent || response.destroyed) response.destroy();
      else answerJson(response, 503, { message: 'The API cannot be reached' });
    });
    response.on('close', () => {
      if (!response.writableFinished) upstream.destroy();
    });
    request.pipe(upstream);
  };
}

/** @param {import('node:http').IncomingMessage} request */
function forwarded(request) {
  return {
    ...endToEnd(request.headers),
    'x-forwarded-host': request.headers.host ?? '',
    'x-forwarded-proto': 'http',
    'x-forwarded-for': request.socket.remoteAddress ?? '',
  };
}

/** @param {import('node:http').IncomingHttpHeaders} headers */
function endToEnd(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}
