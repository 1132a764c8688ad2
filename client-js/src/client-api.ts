/** The shape of the client, as apps see it. */

import type { Resolution } from './conflict/conflicts.ts';
import type { PredictedConflict } from './conflict/prediction.ts';
import type { WriteHandle } from './outbox/handles.ts';
import type { OutboxEntry, WriteOptions } from './outbox/outbox.ts';
import type { Status, Watchable } from './status.ts';
import type { SyncOutcome } from './sync/loop.ts';
import type { RowOf, TableDefinitions } from './table.ts';
import type { BatchTable, TableApi } from './table-api.ts';
import type { Conflict } from './types.ts';

/** What to do at sign-out with work that the server has not acknowledged, or has refused. */
export type Unsynced =
  /** Refuse to sign out (`unsynced_work`). */
  | 'throw'
  /** Sync first; refuse when that leaves something. */
  | 'push'
  /** Leave the user's store on this device for the next sign-in. */
  | 'keep'
  /** Remove it with everything else. */
  | 'discard';

/** A list that can be read and watched. */
export interface WatchableList<T> {
  list(): Promise<T[]>;
  /** Calls `listener` with the list soon, and after each change. Returns what ends it. */
  subscribe(listener: (items: T[]) => void): () => void;
}

export interface ConflictsApi extends WatchableList<Conflict> {
  /** Decides a conflict: one side, or merged values of the contested columns. Needs the network. */
  resolve(id: string, resolution: Resolution): Promise<void>;
}

export interface OutboxApi extends WatchableList<OutboxEntry> {
  /** Sends a rejected mutation again, with its group. */
  retry(seq: number): Promise<WriteHandle[]>;
  /** Gives up a mutation that was never sent, or forgets a rejected one. Returns the seqs given up. */
  discard(seq: number): Promise<number[]>;
  /** Everything in the outbox as JSON text, for support and for rescue. */
  export(): Promise<string>;
}

/** What writes to the tables look like inside `batch`. */
export type BatchTables<Tables extends TableDefinitions> = {
  readonly [Name in keyof Tables]: BatchTable<RowOf<Tables[Name]>>;
};

/** The client's own members, besides one {@link TableApi} for each table. */
export interface ClientCore<Tables extends TableDefinitions> {
  /**
   * Resolves when the store of the user who was signed in last is open, without waiting for the network. Where nobody
   * was, it waits for supabase-js to say whether there is a session.
   */
  readonly ready: Promise<void>;
  readonly status: Watchable<Status>;
  readonly conflicts: ConflictsApi;
  readonly outbox: OutboxApi;
  /** Writes that the server applies together or not at all. Resolves when they are durable on this device. */
  batch(
    gather: (tx: BatchTables<Tables>) => void | Promise<void>,
    options?: WriteOptions,
  ): Promise<WriteHandle[]>;
  /**
   * Edits that wait and that others' changes, as of the last pull, contest, with the result that the server would give.
   * Needs the option `core`, not the network.
   */
  predictConflicts(): Promise<PredictedConflict[]>;
  /** Runs a sync cycle now. Never rejects: what stops it is the outcome. */
  sync(): Promise<SyncOutcome>;
  /** Stops syncing until `resume`. Reads and writes go on. */
  pause(): void;
  resume(): void;
  /**
   * Closes this user's store and, unless it is kept, removes it from the device. Call it before
   * `supabase.auth.signOut()`, which this does not do. Default `throw`.
   */
  signOut(options?: { readonly unsynced?: Unsynced }): Promise<void>;
  /** Stops everything and closes the store. What is stored stays. */
  close(): Promise<void>;
}

export type OfflineClient<Tables extends TableDefinitions> = ClientCore<Tables> & {
  readonly [Name in keyof Tables]: TableApi<RowOf<Tables[Name]>>;
};
