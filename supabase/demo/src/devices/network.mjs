// The network of one device, under an unmodified supabase-js: the real one, until it is cut or
// loses something. It sees every call, as a proxy would.

import { WebSocket } from 'ws';

/**
 * What happened to a call of one of the extension's functions.
 *
 * @typedef {object} Call
 * @property {string} fn name of the function: `push`, `pull` ...
 * @property {any} request its arguments
 * @property {any} answer null where the device got none
 * @property {boolean} lost the server did it, and the device never heard of it
 * @property {number} status HTTP status; 0 where the device got no answer
 * @property {number} startedAt `performance.now()`
 * @property {number} endedAt
 */

/** Nothing listens there: sockets opened without a network fail as they do in real life. */
const NOWHERE = 'ws://127.0.0.1:1';

const RPC_PATH = '/rest/v1/rpc/';

export class Network {
  /** @type {Set<WebSocket>} */
  #sockets = new Set();
  /** @type {Set<AbortController>} */
  #requests = new Set();
  /** @type {Set<(event: 'online' | 'offline' | 'focus') => void>} */
  #listeners = new Set();
  /** @type {Set<string>} */
  #doomed = new Set();
  #isCut = false;

  /** @param {((call: Call) => void) | null} onCall told of each call that left the device; null: nobody looks */
  constructor(onCall) {
    this.onCall = onCall;
    /** What a browser tells: handed to the client as its network monitor. */
    this.monitor = {
      isOffline: () => this.#isCut,
      /** @param {(event: 'online' | 'offline' | 'focus') => void} listener */
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    this.WebSocket = this.#socketClass();
  }

  /** Ends all connections, and refuses new ones. */
  cut() {
    this.#isCut = true;
    for (const request of this.#requests) request.abort();
    for (const socket of this.#sockets) socket.terminate();
    this.#tell('offline');
  }

  restore() {
    this.#isCut = false;
    this.#tell('online');
  }

  /**
   * The next call of this function reaches the server, and its answer gets lost.
   *
   * @param {string} fn
   */
  loseNextAnswer(fn) {
    this.#doomed.add(fn);
  }

  /**
   * For supabase-js, as its `fetch`.
   *
   * @type {typeof fetch}
   */
  fetch = async (input, init) => {
    if (this.#isCut) throw new TypeError('fetch failed');
    const fn = functionOf(input);
    const isLost = fn !== null && this.#doomed.delete(fn);
    const abort = new AbortController();
    this.#requests.add(abort);
    const startedAt = performance.now();
    try {
      const signals = [abort.signal, ...(init?.signal ? [init.signal] : [])];
      const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
      if (this.onCall === null && !isLost) return response;
      const text = await response.text();
      if (fn !== null) this.#report(fn, init?.body, response.status, text, isLost, startedAt);
      if (isLost) throw new TypeError('fetch failed');
      return new Response(hasNoBody(response.status) ? null : text, response);
    } finally {
      this.#requests.delete(abort);
    }
  };

  /**
   * @param {string} fn
   * @param {unknown} body
   * @param {number} status
   * @param {string} text
   * @param {boolean} lost
   * @param {number} startedAt
   */
  #report(fn, body, status, text, lost, startedAt) {
    const endedAt = performance.now();
    const request = typeof body === 'string' ? JSON.parse(body) : null;
    const answer = lost || status >= 400 ? null : JSON.parse(text);
    this.onCall?.({ fn, request, answer, lost, status: lost ? 0 : status, startedAt, endedAt });
  }

  /** @param {'online' | 'offline'} event */
  #tell(event) {
    for (const listener of [...this.#listeners]) listener(event);
  }

  #socketClass() {
    const isCut = () => this.#isCut;
    const sockets = this.#sockets;
    return class extends WebSocket {
      /**
       * @param {string | URL} address
       * @param {string | string[]} [protocols]
       */
      constructor(address, protocols) {
        super(isCut() ? NOWHERE : address, protocols);
        sockets.add(this);
        this.once('close', () => sockets.delete(this));
      }
    };
  }
}

/**
 * Name of the database function that a request calls, if it calls one.
 *
 * @param {string | URL | Request} input
 */
function functionOf(input) {
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  return pathname.startsWith(RPC_PATH) ? pathname.slice(RPC_PATH.length) : null;
}

/** @param {number} status of an answer that must not have a body */
const hasNoBody = (status) => status === 204 || status === 205 || status === 304;
