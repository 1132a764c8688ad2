// A device of a person: a supabase-js session, and on top of it the offline client with a store of
// its own.

import { createClient } from '@supabase/supabase-js';
import { createOfflineClient, memoryStorage, seededRandom } from '../client.mjs';
import { KEYS, rowId, TABLE_NAMES, tables } from '../tables.mjs';
import { Network } from './network.mjs';

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../tables.mjs').TableName} TableName
 * @typedef {import('./network.mjs').Call} Call
 * @typedef {import('./people.mjs').Person} Person
 * @typedef {import('../../../../client-js/dist/index.js').Status} Status
 *
 * @typedef {object} SentMutation
 * @property {string} hlc its clock value
 * @property {JsonRow | undefined} patch
 *
 * @typedef {object} Traffic
 * @property {number} sent mutations that left the device, repetitions too
 * @property {number} received rows, deletions and evictions that came, and scopes that went
 */

/** Rows that one request of the REST API may bring. */
const REST_PAGE_ROWS = 1_000;

const DEADLINE_MS = 120_000;

export class Device {
  /** The device's identity on the server, as its calls name it. */
  id = '';
  /** Mutations as they were last sent, by seq. @type {Map<number, SentMutation>} */
  wire = new Map();
  /** @type {Traffic} */
  traffic = { sent: 0, received: 0 };
  /** Told of each call. @type {(call: Call) => void} */
  onCall = () => undefined;

  /**
   * @param {string} name
   * @param {Person} person
   * @param {import('../stack.mjs').Stack} stack
   * @param {number} seed of the device's own dice, which spread its retries
   * @param {{ isObserved?: boolean }} [options] whether its calls are read; that takes time, too
   */
  constructor(name, person, stack, seed, { isObserved = true } = {}) {
    this.name = name;
    this.person = person;
    this.network = new Network(isObserved ? (call) => this.#observe(call) : null);
    this.supabase = createClient(stack.url, stack.anonKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      global: { fetch: this.network.fetch },
      realtime: { transport: /** @type {any} */ (this.network.WebSocket) },
    });
    this.db = createOfflineClient({
      supabase: this.supabase,
      tables,
      project: name,
      storage: memoryStorage().open,
      random: seededRandom(seed),
      network: this.network.monitor,
    });
  }

  /** Signs in and fetches everything that the person may see. */
  async start() {
    const { email, password } = this.person;
    const { error } = await this.supabase.auth.signInWithPassword({ email, password });
    if (error) throw error;
    await this.until('its store is open', ({ userId }) => userId !== null);
    const outcome = await this.db.sync();
    if (outcome.status !== 'synced') throw outcome.error;
  }

  goOffline() {
    this.network.cut();
  }

  goOnline() {
    this.network.restore();
    // Its own timer would try again within ten seconds.
    this.supabase.realtime.connect();
  }

  /**
   * Waits for a status.
   *
   * @param {string} what for the error message
   * @param {(status: Status) => boolean} holds
   * @param {number} [deadlineMs]
   * @returns {Promise<void>}
   */
  async until(what, holds, deadlineMs = DEADLINE_MS) {
    if (holds(this.db.status.get())) return;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        end();
        const status = JSON.stringify(this.db.status.get());
        reject(new Error(`${this.name}: not within ${deadlineMs} ms: ${what}; ${status}`));
      }, deadlineMs);
      const end = this.db.status.subscribe((status) => {
        if (!holds(status)) return;
        clearTimeout(timer);
        end();
        resolve(undefined);
      });
    });
  }

  /**
   * The rows that the device shows, by row id.
   *
   * @returns {Promise<Map<string, JsonRow>>}
   */
  async rows() {
    /** @type {Map<string, JsonRow>} */
    const rows = new Map();
    for (const name of TABLE_NAMES) {
      for (const row of await this.db[name].all().get()) {
        rows.set(rowId(name, row), /** @type {JsonRow} */ (/** @type {unknown} */ (row)));
      }
    }
    return rows;
  }

  /**
   * The rows that the REST API shows to the person, by row id.
   *
   * @returns {Promise<Map<string, JsonRow>>}
   */
  async rest() {
    /** @type {Map<string, JsonRow>} */
    const rows = new Map();
    for (const name of TABLE_NAMES) {
      for (let from = 0, isLast = false; !isLast; from += REST_PAGE_ROWS) {
        let query = this.supabase.from(name).select('*');
        for (const column of KEYS[name]) query = query.order(column);
        const { data, error } = await query.range(from, from + REST_PAGE_ROWS - 1);
        if (error) throw error;
        for (const row of data) rows.set(rowId(name, row), row);
        isLast = data.length < REST_PAGE_ROWS;
      }
    }
    return rows;
  }

  async close() {
    await this.db.close();
    await this.supabase.removeAllChannels();
    this.supabase.realtime.disconnect();
  }

  /** @param {Call} call */
  #observe(call) {
    const { fn, request, answer } = call;
    if (request?.p_device) this.id = request.p_device;
    if (fn === 'push') {
      for (const mutation of JSON.parse(request.p_batch).mutations) {
        this.wire.set(Number(mutation.seq), { hlc: mutation.hlc, patch: mutation.patch });
        this.traffic.sent += 1;
      }
    }
    if (fn === 'pull' && answer) this.traffic.received += receivedRows(answer);
    this.onCall(call);
  }
}

/**
 * How much a pull brought.
 *
 * @param {any} answer
 * @returns {number}
 */
export function receivedRows(answer) {
  return answer.changes.reduce(
    (/** @type {number} */ sum, /** @type {any} */ part) =>
      sum + part.upserts.length + part.deletes.length + part.evicts.length,
    answer.revoked_scopes.length,
  );
}
