/** What an app can set, and what holds where it does not. */

import { type Clock, systemClock } from './clock/clock.ts';
import type { ConflictPredictor } from './conflict/prediction.ts';
import type { Locks } from './locks.ts';
import type { ModelSource } from './models/port.ts';
import { type NetworkMonitor, platformNetwork } from './net/network.ts';
import type { SupabaseLike, Transport } from './net/transport.ts';
import { indexedDbStorage } from './storage/indexeddb.ts';
import type { StorageFactory } from './storage/storage.ts';
import { resolveTables, type TableDefinitions, type TableOptions, type TableSpec } from './table.ts';
import { uuidV7 } from './uuid.ts';

export interface OfflineClientOptions<Tables extends TableDefinitions> {
  /** An unmodified supabase-js client. Used: `schema('offline').rpc`, `auth`, `channel`. */
  readonly supabase: SupabaseLike;
  /** The synced tables that this app uses. */
  readonly tables: Tables;
  /** Tells Supabase projects apart that one origin talks to; part of the storage's name. Default `default`. */
  readonly project?: string;
  /**
   * Default: IndexedDB. Where there is none (Node), bring one: what calls itself durable must not silently be memory.
   */
  readonly storage?: StorageFactory;
  /** Join wake-up channels. Default true. */
  readonly realtime?: boolean;
  /** A pull is made at least this often. Default 5 minutes. */
  readonly pullIntervalMs?: number;
  /** A call without an answer is given up after this long. Default 30 seconds. */
  readonly requestTimeoutMs?: number;
  /** Decides as the server does: `wasmCore()` of `pg-offline-sync/wasm`. Only `predictConflicts` needs it. */
  readonly core?: ConflictPredictor;
  /** Pulls models along with the rows: `createModels()` of `pg-offline-sync/models`. One for each client. */
  readonly models?: ModelSource;
  readonly clock?: Clock;
  /** Uniform in [0, 1). Default `Math.random`. */
  readonly random?: () => number;
  /** Default: the browser's Web Locks, else locks within this process. */
  readonly locks?: Locks;
  readonly network?: NetworkMonitor;
  /** Default: calls through `supabase`. */
  readonly transport?: Transport;
}

export interface ResolvedOptions {
  readonly supabase: SupabaseLike;
  readonly tables: ReadonlyMap<string, TableSpec>;
  readonly project: string;
  readonly storage: StorageFactory;
  readonly realtime: boolean;
  readonly pullIntervalMs: number;
  readonly requestTimeoutMs: number;
  readonly core: ConflictPredictor | null;
  readonly models: ModelSource | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly locks: Locks | null;
  readonly network: NetworkMonitor;
  readonly transport: Transport | null;
  readonly newId: () => string;
}

const PULL_INTERVAL_MS = 5 * 60_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** `reserved`: names that a table cannot have, because the client has them. */
export function resolveOptions(
  options: OfflineClientOptions<TableDefinitions>,
  reserved: ReadonlySet<string>,
): ResolvedOptions {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const newId = () => uuidV7(clock.now(), random);
  const definitions: { readonly [name: string]: { readonly options: TableOptions<never> } } = options.tables;
  return {
    supabase: options.supabase,
    tables: resolveTables(definitions, reserved, newId),
    project: options.project ?? 'default',
    storage: options.storage ?? indexedDbStorage(),
    realtime: options.realtime ?? true,
    pullIntervalMs: options.pullIntervalMs ?? PULL_INTERVAL_MS,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    core: options.core ?? null,
    models: options.models ?? null,
    clock,
    random,
    locks: options.locks ?? null,
    network: options.network ?? platformNetwork(),
    transport: options.transport ?? null,
    newId,
  };
}
