// A device of the check: the real client on supabase-js, whose calls are written into the history.

import { createClient } from '@supabase/supabase-js';
import { supabaseTransport } from '../../../../client-js/dist/index.js';
import { until } from '../../../local/src/wait.mjs';
import { createOfflineClient, memoryStorage, seededRandom } from '../client.mjs';
import { pick, tables } from './table.mjs';

/** Edits made between two syncs, at most. */
const EDITS_MAX = 24;

/** A server that is being restarted answers nothing for this long at most. */
const DEADLINE_MS = 60_000;

export class KillDevice {
  #edits = 0;
  #isStopped = false;
  /** @type {string[]} */
  #own = [];

  /**
   * @param {string} name
   * @param {import('../devices/people.mjs').Person} person
   * @param {import('../stack.mjs').Stack} stack
   * @param {number} seed
   * @param {import('./history.mjs').History} history
   */
  constructor(name, person, stack, seed, history) {
    this.name = name;
    this.person = person;
    this.random = seededRandom(seed);
    this.supabase = createClient(stack.url, stack.anonKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: /** @type {any} */ (class {}) },
    });
    this.db = /** @type {any} */ (
      createOfflineClient({
        supabase: this.supabase,
        tables,
        project: name,
        storage: memoryStorage().open,
        random: this.random,
        realtime: false,
        transport: history.recording(name, supabaseTransport(this.supabase)),
      })
    );
  }

  async start() {
    const { email, password } = this.person;
    const { error } = await this.supabase.auth.signInWithPassword({ email, password });
    if (error) throw error;
    await until(`${this.name} has its store`, () => this.db.status.get().userId !== null);
    await this.synced();
  }

  /** Tries until a whole cycle got through. */
  synced() {
    const attempt = async () => (await this.db.sync()).status === 'synced';
    return until(`${this.name} synced`, attempt, { deadlineMs: DEADLINE_MS, intervalMs: 20 });
  }

  /** Edits and syncs until it is told to stop. */
  async work() {
    while (!this.#isStopped) {
      const edits = 1 + Math.floor(this.random() * EDITS_MAX);
      for (let i = 0; i < edits; i += 1) await this.#edit();
      await this.synced();
    }
  }

  stop() {
    this.#isStopped = true;
  }

  async #edit() {
    this.#edits += 1;
    const mark = `${this.name}:${this.#edits}`;
    const { kill_item: items } = this.db;
    const dice = this.random();
    const rows = await items.all().get();
    const shared = rows.filter((/** @type {any} */ row) => row.title.startsWith('shared'));
    if (dice < 0.05) {
      const handle = await items.insert({ title: `own ${mark}`, tags: [mark] });
      this.#own.push(handle.key.id);
    } else if (dice < 0.07 && this.#own.length > 0) {
      await items.delete({ id: this.#own.shift() });
    } else {
      const { id } = pick(this.random, shared);
      await items.update({ id }, (/** @type {any} */ row) => this.#change(row, mark));
    }
  }

  /** One kind of edit, or several at once; each leaves its mark among the tags. @param {any} row @param {string} mark */
  #change(row, mark) {
    const kinds = [
      { title: `shared ${mark}` },
      { total: row.total + 1 + Math.floor(this.random() * 9) },
      { best: row.best + 1 + Math.floor(this.random() * 1_000) },
      { body: `${row.body}${mark}\n` },
      { doc: { ...row.doc, [this.name]: this.#edits } },
    ];
    const chosen = kinds.filter(() => this.random() < 0.4);
    return Object.assign({ tags: [...row.tags, mark] }, ...chosen);
  }

  /** @returns {Promise<any[]>} what the device shows, in the order of the keys */
  async rows() {
    return this.db.kill_item.all().orderBy('id').get();
  }
}
