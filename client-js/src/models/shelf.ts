/** The models that a device keeps, in the user's storage: one version of each. */

import type { ModelBytes, ModelRecord, OfflineStorage } from '../storage/storage.ts';

const RECORD = 'model';
const BYTES = 'model-bytes';

export class Shelf {
  readonly #storage: OfflineStorage;
  #records: Promise<ReadonlyMap<string, ModelRecord>> | null = null;

  constructor(storage: OfflineStorage) {
    this.#storage = storage;
  }

  /** By name, as last read. */
  records(): Promise<ReadonlyMap<string, ModelRecord>> {
    this.#records ??= this.#read();
    return this.#records;
  }

  /** By name, as other tabs may have left it. */
  reread(): Promise<ReadonlyMap<string, ModelRecord>> {
    this.#records = null;
    return this.records();
  }

  async bytes(name: string): Promise<Uint8Array | undefined> {
    const stored = await this.#storage.get('meta', [BYTES, name]);
    return (stored as ModelBytes | undefined)?.bytes;
  }

  /** Puts a version in the place of the one before, or of none. */
  async put(record: ModelRecord, bytes: Uint8Array): Promise<void> {
    await this.#commit([
      { type: 'put', store: 'meta', key: [RECORD, record.name], value: record },
      { type: 'put', store: 'meta', key: [BYTES, record.name], value: { bytes } },
    ]);
  }

  async setUser(record: ModelRecord): Promise<void> {
    await this.#commit([{ type: 'put', store: 'meta', key: [RECORD, record.name], value: record }]);
  }

  async drop(name: string): Promise<void> {
    await this.#commit([
      { type: 'delete', store: 'meta', key: [RECORD, name] },
      { type: 'delete', store: 'meta', key: [BYTES, name] },
    ]);
  }

  /** What is lost in a power cut comes again with the next pull. */
  async #commit(writes: Parameters<OfflineStorage['commit']>[0]): Promise<void> {
    await this.#storage.commit(writes, 'relaxed');
    await this.reread();
  }

  async #read(): Promise<ReadonlyMap<string, ModelRecord>> {
    try {
      const records = (await this.#storage.scan('meta', [RECORD])) as readonly ModelRecord[];
      return new Map(records.map((record) => [record.name, record]));
    } catch (error) {
      this.#records = null;
      throw error;
    }
  }
}
