/** The vocabulary shared by all parts: rows, mutations, verdicts. Words are those of the protocol. */

import type { ServerError } from './errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A row as it travels: column name to JSON value. `int8` and `numeric` values are decimal strings. */
export type JsonRow = { readonly [column: string]: Json };

export type Operation = 'insert' | 'update' | 'upsert' | 'delete';

/** A row as the server gave it, or as a verdict says it is. Local changes are never mixed in. */
export interface ServerRow {
  readonly table: string;
  readonly keyText: string;
  /** The row's version as a decimal string. */
  readonly version: string;
  /** The scope it was pulled under; null until the server has said it. */
  readonly scope: string | null;
  readonly row: JsonRow;
  /** The full pull that last confirmed the row; see `SyncState.generation`. */
  readonly generation: number;
}

/**
 * - `queued`: never sent.
 * - `sent`: sent at least once, no verdict seen.
 * - `deferred`: the server holds it and decides later.
 * - `confirmed`: decided, but the row's new state still has to come with a pull.
 */
export type MutationState = 'queued' | 'sent' | 'deferred' | 'confirmed';

/** One change that the user made on this device, as kept in the outbox. */
export interface Mutation {
  /** 1, 2, 3 … within the device, without gaps. */
  readonly seq: number;
  readonly userId: string;
  readonly op: Operation;
  readonly table: string;
  readonly key: JsonRow;
  readonly keyText: string;
  /** Version of the server row that the device saw; null if it never saw one. */
  readonly base: string | null;
  /** Changed columns only; all given columns for an insert; empty for a delete. */
  readonly patch: JsonRow;
  /** What the device showed for the patched columns; null when it showed no row. */
  readonly before: JsonRow | null;
  /** Hybrid logical clock value as a decimal string. */
  readonly hlc: string;
  /** Seqs that must have succeeded before this one. */
  readonly after: readonly number[];
  /** Mutations of one group are applied together or not at all. */
  readonly group: string | null;
  readonly priority: number;
  /** Milliseconds since 1970 by the device's own clock. */
  readonly createdAt: number;
  readonly state: MutationState;
  /** Given up by the user before it was sent: travels as a no-op, so that the numbering has no gap. */
  readonly voided: boolean;
  /** The server row on this device already contains it, so it is no longer laid over the row. */
  readonly reflected: boolean;
  /** For `confirmed`: the version it produced, when the server said it. */
  readonly version: string | null;
}

/** A mutation that the server will never apply as it is. */
export interface RejectedMutation extends Mutation {
  readonly error: ServerError;
  readonly rejectedAt: number;
}

/** How a contested column went. */
export type ColumnOutcome = 'mine' | 'theirs' | 'merged' | 'manual';

/** What became of a mutation. `unchanged` needed no sync, `discarded` was given up on this device. */
export type Verdict =
  | { readonly status: 'applied' | 'unchanged' | 'discarded' }
  | { readonly status: 'merged'; readonly columns: Readonly<Record<string, string>> }
  | {
      readonly status: 'conflict';
      readonly conflictId: string;
      readonly columns: Readonly<Record<string, string>>;
    }
  | { readonly status: 'rejected'; readonly error: ServerError };

/** A decision that waits for a person. */
export interface Conflict {
  readonly id: string;
  readonly table: string;
  readonly key: JsonRow;
  readonly columns: readonly string[];
  /** Values the writer saw, wrote, and met. Columns that are not contested may be missing. */
  readonly base: JsonRow | null;
  readonly mine: JsonRow | null;
  readonly theirs: JsonRow | null;
  readonly createdAt: string | null;
}

/** Where a wake-up, a retry or the store stands; see {@link Status}. */
export type PausedReason = 'offline' | 'auth' | 'quota' | 'user' | 'server';
