// The history: every call of every device as it began (`invoke`) and ended (`ok`, or `unknown` where no answer
// came), every kill, and what everybody had in the end. One JSON object a line.

import { closeSync, openSync, writeSync } from 'node:fs';

/** @typedef {import('../../../../client-js/dist/index.js').Transport} Transport */

export class History {
  /** @type {any[]} */
  events = [];
  #file;
  #calls = 0;

  /** @param {string} path */
  constructor(path) {
    this.#file = openSync(path, 'w');
  }

  /** @param {string} type @param {object} what */
  add(type, what) {
    const event = { type, at: Math.round(performance.now() * 1_000) / 1_000, ...what };
    this.events.push(event);
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  }

  /** Pushes that were answered so far. */
  get answeredPushes() {
    return this.events.filter(({ type, fn }) => type === 'ok' && fn === 'push').length;
  }

  /**
   * A transport whose calls are recorded.
   *
   * @param {string} process name of the device
   * @param {Transport} inner
   * @returns {Transport}
   */
  recording(process, inner) {
    return {
      call: async (fn, args, signal) => {
        this.#calls += 1;
        const call = { process, fn, call: this.#calls };
        const mutations =
          fn === 'push' ? JSON.parse(/** @type {string} */ (args.p_batch)).mutations : undefined;
        this.add('invoke', { ...call, mutations });
        const answer = await inner.call(fn, args, signal);
        if (answer.ok) this.add('ok', { ...call, ...observed(fn, answer.data) });
        else this.add('unknown', { ...call, code: answer.code, message: answer.message });
        return answer;
      },
    };
  }

  close() {
    closeSync(this.#file);
  }
}

/** What of an answer counts. @param {string} fn @param {any} data */
function observed(fn, data) {
  if (fn === 'push') return { results: data.results };
  if (fn === 'pull') {
    return {
      upserts: data.changes.flatMap((/** @type {any} */ part) => part.upserts),
      deletes: data.changes.flatMap((/** @type {any} */ part) => part.deletes),
    };
  }
  return {};
}
