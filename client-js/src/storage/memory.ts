/**
 * Storage in memory: for Node, and for tests, which can cut the power and look at what was durable.
 */

import { OfflineError } from '../errors.ts';
import {
  compareKeys,
  type Durability,
  type OfflineStorage,
  STORE_NAMES,
  type StorageFactory,
  type StoreKey,
  type StoreName,
  type StoreRecords,
  type StoreWrite,
} from './storage.ts';

type Entry = { readonly key: StoreKey; readonly value: unknown };
type Stores = Map<StoreName, Map<string, Entry>>;

/** One named storage's contents, and how to get back to what would be left after a power cut. */
interface Disk {
  readonly stores: Stores;
  /** Undoes the commits since the last strict one, newest last. */
  readonly undo: (() => void)[];
}

/** Storages that live as long as this object does; opening a name again finds what was committed. */
export interface MemoryStorage {
  readonly open: StorageFactory;
  /** Forgets all commits after the last strict one, in every storage. Open storages stop working. */
  cutPower(): void;
  /** Makes storages opened so far stop working, as the end of the process does. Nothing committed is lost. */
  crash(): void;
}

export function memoryStorage(): MemoryStorage {
  const disks = new Map<string, Disk>();
  let incarnation = 0;
  return {
    async open(name) {
      let disk = disks.get(name);
      if (disk === undefined) {
        disk = { stores: emptyStores(), undo: [] };
        disks.set(name, disk);
      }
      const opened = incarnation;
      return new OpenMemory(
        disk,
        () => opened === incarnation,
        () => disks.delete(name),
      );
    },
    cutPower() {
      incarnation += 1;
      for (const { undo } of disks.values()) {
        for (const step of undo.splice(0).reverse()) step();
      }
    },
    crash() {
      incarnation += 1;
    },
  };
}

class OpenMemory implements OfflineStorage {
  readonly kind = 'session-only';
  #closed = false;

  constructor(
    private readonly disk: Disk,
    private readonly alive: () => boolean,
    private readonly remove: () => void,
  ) {}

  async get<S extends StoreName>(store: S, key: StoreKey): Promise<StoreRecords[S] | undefined> {
    this.#assertOpen();
    const entry = this.#entries(store).get(JSON.stringify(key));
    return entry === undefined ? undefined : (structuredClone(entry.value) as StoreRecords[S]);
  }

  async scan<S extends StoreName>(store: S, prefix: StoreKey): Promise<StoreRecords[S][]> {
    this.#assertOpen();
    return [...this.#entries(store).values()]
      .filter(({ key }) => prefix.every((part, i) => key[i] === part))
      .sort((a, b) => compareKeys(a.key, b.key))
      .map(({ value }) => structuredClone(value) as StoreRecords[S]);
  }

  async commit(writes: readonly StoreWrite[], durability: Durability): Promise<void> {
    this.#assertOpen();
    // Cloned before the first change, so that a value that cannot be stored leaves nothing half done.
    const cloned = writes.map((write) => structuredClone(write));
    for (const write of cloned) {
      const entries = this.#entries(write.store);
      const id = JSON.stringify(write.key);
      const previous = entries.get(id);
      this.disk.undo.push(() => (previous === undefined ? entries.delete(id) : entries.set(id, previous)));
      if (write.type === 'put') entries.set(id, { key: write.key, value: write.value });
      else entries.delete(id);
    }
    if (durability === 'strict') this.disk.undo.length = 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async destroy(): Promise<void> {
    this.#assertOpen();
    this.#closed = true;
    this.remove();
  }

  #entries(store: StoreName): Map<string, Entry> {
    return this.disk.stores.get(store) as Map<string, Entry>;
  }

  #assertOpen(): void {
    if (this.#closed || !this.alive()) throw new OfflineError('closed');
  }
}

function emptyStores(): Stores {
  return new Map(STORE_NAMES.map((name) => [name, new Map()]));
}
