// One joined topic of one socket: keeps the caller's token honest and passes messages on.

import { TokenError, verifyToken } from '../src/keys.mjs';
import { mayRead } from './authorize.mjs';

/** Realtime looks at the expiry of a token at least this often. */
const TOKEN_CHECK_MS = 300_000;

/** Why a join is refused; `reason` is what the client gets. */
export class JoinRefused extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.reason = `${code}: ${message}`;
  }
}

export class Channel {
  /** @type {NodeJS.Timeout | undefined} */
  #tokenTimer;
  #closed = false;

  /**
   * @param {object} options
   * @param {string} options.topic without the prefix `realtime:`
   * @param {string | null} options.joinRef
   * @param {string} options.token
   * @param {Record<string, unknown>} options.headers of the request that opened the socket
   * @param {import('./server.mjs').RealtimeContext} options.context
   * @param {(event: string, payload: object, refs: { joinRef: string | null, ref: string | null }) => void} options.push
   * @param {() => void} options.onClose
   */
  constructor({ topic, joinRef, token, headers, context, push, onClose }) {
    this.topic = topic;
    this.joinRef = joinRef;
    this.token = token;
    this.headers = headers;
    this.context = context;
    this.push = push;
    this.onClose = onClose;
  }

  /** @throws {JoinRefused} */
  async open() {
    await this.#admit(this.token);
    this.context.hub.add(this);
  }

  /**
   * Takes a newer token of the caller, and ends the channel when that may not read it. API keys
   * that are no tokens are ignored, as Realtime does.
   *
   * @param {unknown} token
   */
  async renew(token) {
    if (typeof token !== 'string' || token.startsWith('sb_') || token === this.token) return;
    try {
      await this.#admit(token);
    } catch (error) {
      if (!(error instanceof JoinRefused)) throw error;
      this.shutDown(error.message);
    }
  }

  /** @param {import('./messages.mjs').Message} message */
  send({ id, event, payload }) {
    const refs = { joinRef: null, ref: null };
    this.push('broadcast', { type: 'broadcast', event, payload, meta: { id } }, refs);
  }

  /**
   * Tells the client something about the channel.
   *
   * @param {'ok' | 'error'} status
   * @param {string} message
   */
  notify(status, message) {
    const payload = { extension: 'system', status, message, channel: this.topic };
    this.push('system', payload, { joinRef: this.joinRef, ref: null });
  }

  /** @param {string} why */
  shutDown(why) {
    if (this.#closed) return;
    this.notify('error', why);
    this.close();
  }

  /** Ends the channel; the client is told with `phx_close`. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#tokenTimer);
    this.context.hub.remove(this);
    this.push('phx_close', {}, { joinRef: this.joinRef, ref: this.joinRef });
    this.onClose();
  }

  /**
   * @param {string} token
   * @throws {JoinRefused}
   */
  async #admit(token) {
    const claims = await this.#verify(token);
    const { topic, headers, context } = this;
    if (!(await mayRead(context.sql, { topic, claims, headers }))) {
      const why = `You do not have permissions to read from this Channel topic: ${topic}`;
      throw new JoinRefused('Unauthorized', why);
    }
    this.token = token;
    if (!this.#closed) this.#watchExpiry(claims);
  }

  /** @param {string} token */
  async #verify(token) {
    try {
      return await verifyToken(token, this.context.jwtSecret);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      const codes = {
        malformed: 'MalformedJWT',
        signature: 'JwtSignatureError',
        expired: 'InvalidJWTToken',
        claims: 'InvalidJWTToken',
      };
      throw new JoinRefused(codes[error.reason], error.message);
    }
  }

  /** @param {import('../src/keys.mjs').Claims} claims */
  #watchExpiry(claims) {
    clearTimeout(this.#tokenTimer);
    const remainingMs = claims.exp * 1000 - Date.now();
    this.#tokenTimer = setTimeout(
      async () => {
        try {
          this.#watchExpiry(await this.#verify(this.token));
        } catch (error) {
          this.shutDown(error instanceof Error ? error.message : String(error));
        }
      },
      Math.max(0, Math.min(TOKEN_CHECK_MS, remainingMs)),
    );
  }
}
