/** A model in use. It is given back when nobody uses it any more, however long a call takes. */

import type { ModelRecord } from '../storage/storage.ts';
import type { RunnableModel } from './runtime.ts';

export class Loaded {
  #uses = 0;
  #isRetired = false;

  constructor(
    readonly record: ModelRecord,
    private readonly model: RunnableModel,
  ) {}

  /** Another version, or none, is in its place: only calls under way go on. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  async use<T>(work: (model: RunnableModel) => T | Promise<T>): Promise<T> {
    this.#uses += 1;
    try {
      return await work(this.model);
    } finally {
      this.#uses -= 1;
      this.#disposeIfIdle();
    }
  }

  retire(): void {
    this.#isRetired = true;
    this.#disposeIfIdle();
  }

  #disposeIfIdle(): void {
    if (this.#isRetired && this.#uses === 0) this.model.dispose();
  }
}
