// Replaces the API by a new one after DDL, without losing a request.

/** @typedef {import('./app.mjs').Api} Api */

export class Reloader {
  /** @type {() => Promise<Api>} */
  #create;
  /** @type {{ api: Api, requests: number, retired: boolean } | null} */
  #current = null;
  /** @type {Promise<void>} */
  #running = Promise.resolve();
  /** @type {Promise<void> | null} */
  #waiting = null;

  /** @param {() => Promise<Api>} create */
  constructor(create) {
    this.#create = create;
  }

  /**
   * Resolves when requests are answered from a catalog that was read after this call.
   *
   * @returns {Promise<void>}
   */
  reload() {
    // A reload under way may have read the catalog before the caller's DDL, so it does not
    // count; one that has not begun does.
    this.#waiting ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#waiting = null;
        this.#running = this.#replace();
        return this.#running;
      });
    return this.#waiting;
  }

  async #replace() {
    const api = await this.#create();
    const former = this.#current;
    this.#current = { api, requests: 0, retired: false };
    if (!former) return;
    former.retired = true;
    closeWhenUnused(former);
  }

  /**
   * @param {Request} request
   * @returns {Promise<Response>}
   */
  async fetch(request) {
    const serving = this.#current;
    if (!serving) return new Response(null, { status: 503 });
    serving.requests += 1;
    try {
      return await serving.api.fetch(request);
    } finally {
      serving.requests -= 1;
      closeWhenUnused(serving);
    }
  }

  async close() {
    await this.#running.catch(() => {});
    await this.#current?.api.close();
  }
}

/** @param {{ api: Api, requests: number, retired: boolean }} former */
function closeWhenUnused(former) {
  if (!former.retired || former.requests > 0) return;
  former.api.close().catch((error) => console.error('closing a former connection pool:', error));
}
