/**
 * The local store of one user on one device: storage, its mirror in memory, and the one way to change both.
 */

import { OfflineError } from '../errors.ts';
import type { Locks } from '../locks.ts';
import type { DeviceRecord, Durability, HeadRecord, OfflineStorage, SyncState } from '../storage/storage.ts';
import type { TableSpec } from '../table.ts';
import { Draft } from './draft.ts';
import { EMPTY_HEAD, EMPTY_SYNC, Mirror, type StoreChange, type StoredRecords } from './mirror.ts';

/** Everything may have changed: another tab wrote. */
function changeOfAll(tables: ReadonlyMap<string, TableSpec>): StoreChange {
  const names = new Set([...tables.values()].map(({ qualified }) => qualified));
  return { tables: names, outbox: true, conflicts: true, sync: true, reloaded: true };
}

export interface LocalStoreOptions {
  readonly storage: OfflineStorage;
  readonly locks: Locks;
  /** Name of the storage; locks carry it. */
  readonly name: string;
  readonly tables: ReadonlyMap<string, TableSpec>;
  readonly userId: string;
  /** Makes the device id when the storage is new. */
  readonly newDeviceId: () => string;
}

export class LocalStore {
  readonly #options: LocalStoreOptions;
  readonly #listeners = new Set<(change: StoreChange) => void>();
  #mirror: Mirror;
  #closed = false;

  private constructor(options: LocalStoreOptions, stored: StoredRecords) {
    this.#options = options;
    this.#mirror = new Mirror(options.tables.values(), stored);
  }

  /** Opens the store and reads it. Makes the device's identity when the storage is new. */
  static async open(options: LocalStoreOptions): Promise<LocalStore> {
    return options.locks.request(writerLock(options.name), async () => {
      const { storage, userId } = options;
      const known = (await storage.get('meta', ['device'])) as DeviceRecord | undefined;
      if (known === undefined) {
        const device: DeviceRecord = { deviceId: options.newDeviceId(), userId };
        await storage.commit([{ type: 'put', store: 'meta', key: ['device'], value: device }], 'strict');
      }
      return new LocalStore(options, await readAll(storage));
    });
  }

  /** The committed state, in memory. Read it; never keep it over an await. */
  get mirror(): Mirror {
    return this.#mirror;
  }

  /** For what is kept beside rows and mutations. */
  get storage(): OfflineStorage {
    return this.#options.storage;
  }

  get name(): string {
    return this.#options.name;
  }

  get tables(): ReadonlyMap<string, TableSpec> {
    return this.#options.tables;
  }

  /**
   * Runs `body` as the only writer of this store, in any tab, and commits what it drafted. `body` must not wait for
   * the network. Returns what `body` returned, once the commit is done.
   */
  async write<T>(durability: Durability, body: (draft: Draft) => T): Promise<T> {
    return this.#options.locks.request(writerLock(this.name), async () => {
      if (this.#closed) throw new OfflineError('closed');
      await this.#reloadIfStale();
      const draft = new Draft(this.#mirror);
      const result = body(draft);
      if (!draft.isEmpty) {
        draft.setHead({ revision: draft.head.revision + 1 });
        const writes = draft.writes();
        await this.#options.storage.commit(writes, durability);
        this.#emit(this.#mirror.apply(writes));
      }
      return result;
    });
  }

  /** Calls `listener` after each commit, until the returned function is called. */
  subscribe(listener: (change: StoreChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#options.storage.close();
  }

  /** Removes everything that this user has on this device. */
  async destroy(): Promise<void> {
    this.#closed = true;
    await this.#options.storage.destroy();
  }

  /** Another tab may have written since; seqs assigned from an old mirror would overwrite that tab's work. */
  async #reloadIfStale(): Promise<void> {
    const stored = (await this.#options.storage.get('meta', ['head'])) as HeadRecord | undefined;
    if ((stored ?? EMPTY_HEAD).revision === this.#mirror.head.revision) return;
    this.#mirror = new Mirror(this.tables.values(), await readAll(this.#options.storage));
    this.#emit(changeOfAll(this.tables));
  }

  #emit(change: StoreChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function writerLock(name: string): string {
  return `${name}:write`;
}

async function readAll(storage: OfflineStorage): Promise<StoredRecords> {
  return {
    device: (await storage.get('meta', ['device'])) as DeviceRecord,
    head: ((await storage.get('meta', ['head'])) as HeadRecord | undefined) ?? EMPTY_HEAD,
    sync: ((await storage.get('meta', ['sync'])) as SyncState | undefined) ?? EMPTY_SYNC,
    rows: await storage.scan('rows', []),
    outbox: await storage.scan('outbox', []),
    rejected: await storage.scan('rejected', []),
    conflicts: await storage.scan('conflicts', []),
  };
}
