/**
 * The durable store, as small as it can be: five stores of plain records, range scans, and one atomic commit over
 * several stores. Everything above it is the same for IndexedDB, memory, and what an app may bring.
 */

import type { ClockOffset } from '../clock/offset.ts';
import type { Conflict, Json, JsonRow, Mutation, RejectedMutation, ServerRow } from '../types.ts';

/** Who this device is to the server. */
export interface DeviceRecord {
  readonly deviceId: string;
  readonly userId: string;
}

/** The end of the outbox's numbering. `revision` counts commits, so that tabs notice each other's. */
export interface HeadRecord {
  readonly nextSeq: number;
  readonly hlc: string;
  readonly revision: number;
}

/** Column types and keys of the synced tables, as the server describes them. */
export interface ServerSchema {
  readonly hash: string;
  readonly tables: {
    readonly [qualifiedName: string]: {
      readonly key: readonly string[];
      readonly columns: { readonly [column: string]: string };
      /** Merge policies as in `enable_sync`; absent in what older versions of this client stored. */
      readonly policy?: Json;
    };
  };
}

/** Where synchronisation stands. */
export interface SyncState {
  readonly cursor: string | null;
  readonly epoch: string | null;
  /** Highest seq that the server has acknowledged. */
  readonly ackedSeq: number;
  /** Tables that the cursor covers. */
  readonly tables: readonly string[];
  /** Wake-up topics that the caller may join. */
  readonly topics: readonly string[];
  /** A verdict brought a row of a scope that no pull has covered: if the scope is lost again, no pull names it. */
  readonly strays?: boolean;
  readonly schema: ServerSchema | null;
  /** A paged pull was begun and not finished. */
  readonly paging: boolean;
  /** A full pull is under way: rows of an older generation go when it ends. */
  readonly sweeping: boolean;
  /** Counts full pulls; see `ServerRow.generation`. */
  readonly generation: number;
  readonly lastPulledAt: number | null;
  readonly lastPushedAt: number | null;
  readonly clock: ClockOffset | null;
}

/** A version of a model that this device keeps; its bytes are a record of their own. */
export interface ModelRecord {
  readonly name: string;
  readonly version: number;
  readonly format: string;
  /** SHA-256 of the bytes, in hexadecimal digits. */
  readonly sha256: string;
  /** Number of bytes. */
  readonly size: number;
  /** What the document that it came in says of it. */
  readonly meta: JsonRow;
  /** The user's own vector, for models of vectors that know the user. */
  readonly user: { readonly id: string; readonly vector: readonly number[] } | null;
}

export interface ModelBytes {
  readonly bytes: Uint8Array;
}

/** The records of each store. */
export interface StoreRecords {
  /** Key: table, key text. */
  rows: ServerRow;
  /** Key: seq. */
  outbox: Mutation;
  /** Key: seq. */
  rejected: RejectedMutation;
  /** Key: conflict id. */
  conflicts: Conflict;
  /** Key: name of the record, and which one where there are several. */
  meta:
    | DeviceRecord
    | HeadRecord
    | SyncState
    | ModelRecord
    | ModelBytes
    | { readonly lastUser: string | null };
}

export type StoreName = keyof StoreRecords;

export const STORE_NAMES: readonly StoreName[] = ['rows', 'outbox', 'rejected', 'conflicts', 'meta'];

/** Compared element by element; numbers sort before strings, as in IndexedDB. */
export type StoreKey = readonly (string | number)[];

export type StoreWrite = {
  [S in StoreName]:
    | { readonly type: 'put'; readonly store: S; readonly key: StoreKey; readonly value: StoreRecords[S] }
    | { readonly type: 'delete'; readonly store: S; readonly key: StoreKey };
}[StoreName];

/**
 * `strict`: survives a power cut once the commit has resolved. `relaxed`: survives the end of the process, and may
 * be lost in a power cut, together with every later commit.
 */
export type Durability = 'strict' | 'relaxed';

/** How long what is stored lasts: beyond this session or not, and whether the browser may evict it. */
export type StorageKind = 'persistent' | 'best-effort' | 'session-only';

export interface OfflineStorage {
  readonly kind: StorageKind;
  get<S extends StoreName>(store: S, key: StoreKey): Promise<StoreRecords[S] | undefined>;
  /** Records whose key begins with `prefix`, in key order. */
  scan<S extends StoreName>(store: S, prefix: StoreKey): Promise<StoreRecords[S][]>;
  /** Applies all writes or none. Rejects with `OfflineError` `quota` or `storage`. */
  commit(writes: readonly StoreWrite[], durability: Durability): Promise<void>;
  close(): Promise<void>;
  /** Removes everything, for good. Closes the storage. */
  destroy(): Promise<void>;
}

/** Opens, or makes, the storage of this name. */
export type StorageFactory = (name: string) => Promise<OfflineStorage>;

/** The order of IndexedDB, so that every implementation scans alike. */
export function compareKeys(left: StoreKey, right: StoreKey): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i += 1) {
    const a = left[i] as string | number;
    const b = right[i] as string | number;
    if (a === b) continue;
    if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return left.length - right.length;
}
