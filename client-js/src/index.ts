/**
 * Offline-first client for Supabase with pg_offline_sync.
 *
 * @packageDocumentation
 */

export { createOfflineClient } from './client.ts';
export type {
  BatchTables,
  ClientCore,
  ConflictsApi,
  OfflineClient,
  OutboxApi,
  Unsynced,
  WatchableList,
} from './client-api.ts';
export type { Clock } from './clock/clock.ts';
export type { Resolution } from './conflict/conflicts.ts';
export type { ConflictPredictor, PredictedColumn, PredictedConflict } from './conflict/prediction.ts';
export { OfflineError, type OfflineErrorCode, type ServerError } from './errors.ts';
export { type Locks, processLocks } from './locks.ts';
export type { ModelSource, ModelSpace } from './models/port.ts';
export type { NetworkEvent, NetworkMonitor } from './net/network.ts';
export {
  type RpcAnswer,
  type RpcArguments,
  type RpcFailure,
  type RpcFunction,
  type SupabaseLike,
  supabaseTransport,
  type Transport,
} from './net/transport.ts';
export type { OfflineClientOptions } from './options.ts';
export type { WriteHandle, WriteState } from './outbox/handles.ts';
export type { OutboxEntry, WriteOptions } from './outbox/outbox.ts';
export type { Query } from './query/query.ts';
export type { Status, Watchable } from './status.ts';
export { indexedDbStorage } from './storage/indexeddb.ts';
export { type MemoryStorage, memoryStorage } from './storage/memory.ts';
export type {
  Durability,
  OfflineStorage,
  StorageFactory,
  StorageKind,
  StoreKey,
  StoreName,
  StoreRecords,
  StoreWrite,
} from './storage/storage.ts';
export type { SyncOutcome } from './sync/loop.ts';
export { type KeyInput, type TableDefinition, type TableOptions, table } from './table.ts';
export type { BatchTable, Change, TableApi } from './table-api.ts';
export type { Conflict, Json, JsonRow, MutationState, Operation, PausedReason, Verdict } from './types.ts';
