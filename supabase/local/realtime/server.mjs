// The Realtime part of the stack: private broadcasts from SQL, delivered to sockets.

import { STATUS_CODES } from 'node:http';
import postgres from 'postgres';
import { WebSocketServer } from 'ws';
import { TokenError, verifyToken } from '../src/keys.mjs';
import { protocolVersion } from './frames.mjs';
import { Hub } from './hub.mjs';
import { followMessages } from './messages.mjs';
import { Socket } from './socket.mjs';

/** Realtime's own limit. */
const MAX_FRAME_BYTES = 5_000_000;

/** Joins that are authorized at the same time; the others wait. */
const POOL_SIZE = 8;

/**
 * What all channels share.
 *
 * @typedef {object} RealtimeContext
 * @property {import('postgres').Sql} sql
 * @property {string} jwtSecret
 * @property {Hub} hub
 */

/**
 * @param {{ databaseUrl: string, jwtSecret: string }} options
 */
export async function createRealtime({ databaseUrl, jwtSecret }) {
  const sql = postgres(databaseUrl, {
    max: POOL_SIZE,
    connection: { application_name: 'supabase realtime' },
  });
  const hub = new Hub();
  const context = { sql, jwtSecret, hub };
  const stopFollowing = await followMessages(sql, (message) => hub.deliver(message));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });

  return {
    /**
     * Turns an HTTP request into a socket, if its API key is valid.
     *
     * @param {import('node:http').IncomingMessage} request
     * @param {import('node:stream').Duplex} stream
     * @param {Buffer} head
     * @param {URLSearchParams} parameters
     */
    async upgrade(request, stream, head, parameters) {
      const version = protocolVersion(parameters.get('vsn'));
      if (!version) return refuse(stream, 400, 'This version of the protocol is not spoken here');
      const header = request.headers['x-api-key'];
      const apiKey = (Array.isArray(header) ? header[0] : header) ?? parameters.get('apikey');
      if (!apiKey) return refuse(stream, 401, 'API key is missing');
      try {
        await verifyToken(apiKey, jwtSecret);
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        return refuse(stream, 401, error.message);
      }
      sockets.handleUpgrade(request, stream, head, (connection) => {
        new Socket({ connection, version, apiKey, headers: request.headers, context });
      });
    },

    async close() {
      for (const connection of sockets.clients) connection.terminate();
      await stopFollowing();
      await sql.end({ timeout: 1 });
    },
  };
}

/**
 * @param {import('node:stream').Duplex} stream
 * @param {number} status
 * @param {string} error
 */
function refuse(stream, status, error) {
  const body = JSON.stringify({ error });
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Connection: close\r\n' +
      'Content-Type: application/json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
