/** Storage in the browser's IndexedDB. */

import { deleteDB, type IDBPDatabase, openDB } from 'idb';
import { OfflineError } from '../errors.ts';
import {
  type Durability,
  type OfflineStorage,
  STORE_NAMES,
  type StorageFactory,
  type StoreKey,
  type StoreName,
  type StoreRecords,
  type StoreWrite,
} from './storage.ts';

const DATABASE_VERSION = 1;

/** Sorts after every string and number, so `[...prefix, AFTER_ALL]` ends the range of a prefix. */
const AFTER_ALL: IDBValidKey = [];

/** Opens IndexedDB databases. The connection is made again when the browser has dropped it. */
export function indexedDbStorage(): StorageFactory {
  return async (name) => {
    const storage = new IndexedDbStorage(name);
    await storage.connect();
    return storage;
  };
}

class IndexedDbStorage implements OfflineStorage {
  readonly kind = 'best-effort';
  #connection: Promise<IDBPDatabase> | null = null;
  #closed = false;

  constructor(private readonly name: string) {}

  async connect(): Promise<void> {
    await this.#run((db) => db.count('meta'));
  }

  async get<S extends StoreName>(store: S, key: StoreKey): Promise<StoreRecords[S] | undefined> {
    return this.#run((db) => db.get(store, toIdbKey(key)));
  }

  async scan<S extends StoreName>(store: S, prefix: StoreKey): Promise<StoreRecords[S][]> {
    const range =
      prefix.length === 0
        ? undefined
        : IDBKeyRange.bound(toIdbKey(prefix), [...prefix, AFTER_ALL], false, true);
    return this.#run((db) => db.getAll(store, range));
  }

  async commit(writes: readonly StoreWrite[], durability: Durability): Promise<void> {
    if (writes.length === 0) return;
    await this.#run((db) => writeAll(db, writes, durability));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) (await connection).close();
  }

  async destroy(): Promise<void> {
    await this.close();
    await deleteDB(this.name);
  }

  /**
   * Mobile browsers close connections behind the app's back; a transaction on such a connection fails before it has
   * done anything, so it is safe to connect again and repeat it once.
   */
  async #run<T>(work: (db: IDBPDatabase) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#open());
    } catch (first) {
      if (!isLostConnection(first)) throw toOfflineError(first);
      this.#connection = null;
      try {
        return await work(await this.#open());
      } catch (second) {
        throw toOfflineError(second);
      }
    }
  }

  #open(): Promise<IDBPDatabase> {
    if (this.#closed) throw new OfflineError('closed');
    this.#connection ??= openDB(this.name, DATABASE_VERSION, {
      upgrade(db) {
        for (const store of STORE_NAMES) db.createObjectStore(store);
      },
      // Another tab wants to upgrade or delete the database: holding on would block it for ever.
      blocking: (_current, _blocked, event) => {
        (event.target as IDBDatabase).close();
        this.#connection = null;
      },
      terminated: () => {
        this.#connection = null;
      },
    });
    return this.#connection;
  }
}

async function writeAll(
  db: IDBPDatabase,
  writes: readonly StoreWrite[],
  durability: Durability,
): Promise<void> {
  const stores = [...new Set(writes.map((write) => write.store))];
  const transaction = db.transaction(stores, 'readwrite', { durability });
  const requests: Promise<unknown>[] = [];
  try {
    for (const write of writes) {
      const store = transaction.objectStore(write.store);
      const key = toIdbKey(write.key);
      requests.push(write.type === 'put' ? store.put(write.value, key) : store.delete(key));
    }
  } catch (error) {
    // A value that cannot be stored throws, and left alone the writes before it would be committed.
    transaction.abort();
    await Promise.allSettled([...requests, transaction.done]);
    throw error;
  }
  // A failed request rejects before the transaction does; waiting for all keeps every rejection handled.
  await Promise.all([...requests, transaction.done]);
}

function toIdbKey(key: StoreKey): IDBValidKey {
  return [...key];
}

function errorName(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : '';
}

function isLostConnection(error: unknown): boolean {
  return errorName(error) === 'InvalidStateError' || errorName(error) === 'UnknownError';
}

/** `QuotaExceededError` is told by its name: browsers are moving it from DOMException to a class of its own. */
function toOfflineError(error: unknown): OfflineError {
  if (error instanceof OfflineError) return error;
  const code = errorName(error) === 'QuotaExceededError' ? 'quota' : 'storage';
  return new OfflineError(code, String(error), { cause: error });
}
