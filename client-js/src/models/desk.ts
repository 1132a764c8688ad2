/** The models of one user, ready to be asked: kept in storage, loaded when first used. */

import { OfflineError } from '../errors.ts';
import type { ModelRecord } from '../storage/storage.ts';
import { modelError } from './errors.ts';
import { Loaded } from './loaded.ts';
import type { ModelSpace } from './port.ts';
import type { ModelArtifact, RunnableModel } from './runtime.ts';
import { Shelf } from './shelf.ts';

/** A version that is no good is asked for this often in a session: it may have been damaged on its way. */
const REFUSALS_MAX = 3;

export interface DeskTools {
  /** Rejects unless the hash is right and a runtime takes it. */
  readonly load: (sha256: string, artifact: ModelArtifact) => Promise<RunnableModel>;
  readonly onChange: () => void;
}

interface Refusal {
  readonly version: number;
  readonly attempts: number;
  readonly error: OfflineError;
}

export class Desk {
  readonly store: ModelSpace['store'];
  readonly #tools: DeskTools;
  readonly #shelf: Shelf;
  readonly #loaded = new Map<string, { readonly record: ModelRecord; readonly loading: Promise<Loaded> }>();
  readonly #refusals = new Map<string, Refusal>();

  constructor(store: ModelSpace['store'], tools: DeskTools) {
    this.store = store;
    this.#tools = tools;
    this.#shelf = new Shelf(store.storage);
  }

  records(): Promise<ReadonlyMap<string, ModelRecord>> {
    return this.#shelf.records();
  }

  /** The versions of models that need not be sent again, as other tabs may have left them. */
  async held(): Promise<Record<string, number>> {
    const records = await this.#shelf.reread();
    const held = Object.fromEntries([...records].map(([name, { version }]) => [name, version]));
    for (const [name, { version, attempts }] of this.#refusals) {
      if (attempts >= REFUSALS_MAX) held[name] = version;
    }
    return held;
  }

  /** Whether no other tab, and no other answer, has changed what is stored. */
  async isUnchanged(name: string, record: ModelRecord | undefined): Promise<boolean> {
    return isSame((await this.#shelf.reread()).get(name), record);
  }

  refusal(name: string): OfflineError | null {
    return this.#refusals.get(name)?.error ?? null;
  }

  /** Remembers that a version is no good. The one before it goes on serving. */
  refuse(name: string, version: number, error: OfflineError): void {
    const before = this.#refusals.get(name);
    const attempts = before?.version === version ? before.attempts + 1 : 1;
    this.#refusals.set(name, { version, attempts, error });
    this.#tools.onChange();
  }

  /** Forgets that a version was no good: the one that is stored serves again. */
  forgive(name: string): void {
    if (this.#refusals.delete(name)) this.#tools.onChange();
  }

  /** Asks a model. Rejects with `OfflineError`. */
  async use<T>(
    name: string,
    work: (model: RunnableModel, record: ModelRecord) => T | Promise<T>,
  ): Promise<T> {
    for (;;) {
      const loaded = await this.#load(name);
      // Replaced while this was waiting.
      if (loaded.isRetired) continue;
      return loaded.use((model) => work(model, loaded.record));
    }
  }

  /** Stores a version that was verified, and lets it serve. */
  async put(record: ModelRecord, bytes: Uint8Array, model: RunnableModel): Promise<void> {
    try {
      await this.#shelf.put(record, bytes);
    } catch (error) {
      model.dispose();
      throw error;
    }
    this.#refusals.delete(record.name);
    this.#serve(record, Promise.resolve(new Loaded(record, model)));
    this.#tools.onChange();
  }

  /** Another vector of the user for the version that is stored. */
  async setUser(record: ModelRecord): Promise<void> {
    await this.#shelf.setUser(record);
    this.#retire(record.name);
    this.#tools.onChange();
  }

  async drop(name: string): Promise<void> {
    await this.#shelf.drop(name);
    this.#refusals.delete(name);
    this.#retire(name);
    this.#tools.onChange();
  }

  /** Gives back everything that is loaded; what is stored stays. */
  close(): void {
    for (const name of [...this.#loaded.keys()]) this.#retire(name);
  }

  async #load(name: string): Promise<Loaded> {
    for (;;) {
      const record = (await this.#shelf.records()).get(name);
      if (record === undefined) {
        this.#retire(name);
        throw this.refusal(name) ?? modelError('model_missing', name);
      }
      const known = this.#loaded.get(name);
      if (known !== undefined && isSame(known.record, record)) return known.loading;
      try {
        return await this.#serve(record, this.#fromShelf(record));
      } catch (error) {
        // Another tab has put another version there between the two reads: that one, then.
        if (!(await this.isUnchanged(name, record))) continue;
        // The next pull brings it again.
        if (error instanceof OfflineError && error.code === 'model_damaged') await this.drop(name);
        throw error;
      }
    }
  }

  async #fromShelf(record: ModelRecord): Promise<Loaded> {
    const { name, format, sha256, meta } = record;
    const bytes = await this.#shelf.bytes(name);
    if (bytes === undefined) throw modelError('model_damaged', name);
    return new Loaded(record, await this.#tools.load(sha256, { format, bytes, meta }));
  }

  #serve(record: ModelRecord, loading: Promise<Loaded>): Promise<Loaded> {
    this.#retire(record.name);
    const entry = { record, loading };
    this.#loaded.set(record.name, entry);
    // What could not be loaded may be later.
    loading.catch(() => {
      if (this.#loaded.get(record.name) === entry) this.#loaded.delete(record.name);
    });
    return loading;
  }

  #retire(name: string): void {
    const known = this.#loaded.get(name);
    this.#loaded.delete(name);
    known?.loading.then(
      (loaded) => loaded.retire(),
      () => undefined,
    );
  }
}

function isSame(left: ModelRecord | undefined, right: ModelRecord | undefined): boolean {
  return left?.version === right?.version && left?.sha256 === right?.sha256;
}
