/**
 * Answers of the server, checked before they are believed. What is not ours (a captive portal that answers 200) is
 * told from what is ours and broken.
 */

import type { ServerError } from '../errors.ts';
import type { ServerSchema } from '../storage/storage.ts';
import type { Conflict, Json, JsonRow } from '../types.ts';
import { SyncFailure } from './classify.ts';

export interface RegisterAnswer {
  readonly ackedSeq: number;
  readonly serverNow: number;
}

export type ResultStatus = 'applied' | 'merged' | 'conflict' | 'duplicate' | 'deferred' | 'rejected';

export interface PushResult {
  readonly seq: number;
  readonly status: ResultStatus;
  /** For `duplicate`: what had become of it. */
  readonly was: Exclude<ResultStatus, 'duplicate'> | null;
  readonly version: string | null;
  readonly columns: Readonly<Record<string, string>>;
  /** The row now; null: there is none to see; undefined: as the device computes it. */
  readonly row: JsonRow | null | undefined;
  readonly scope: string | null;
  readonly conflictId: string | null;
  readonly error: ServerError | null;
}

export interface PushAnswer {
  readonly epoch: string;
  readonly serverNow: number;
  readonly serverHlc: string;
  readonly ackedSeq: number;
  readonly results: readonly PushResult[];
}

export interface TableChanges {
  readonly table: string;
  readonly scope: string | null;
  readonly upserts: readonly { readonly version: string; readonly row: JsonRow }[];
  readonly deletes: readonly { readonly version: string; readonly key: JsonRow }[];
  readonly evicts: readonly { readonly key: JsonRow }[];
}

export interface PullAnswer {
  readonly epoch: string;
  readonly reset: boolean;
  readonly serverNow: number;
  readonly serverHlc: string;
  readonly cursor: string;
  readonly hasMore: boolean;
  readonly changes: readonly TableChanges[];
  readonly revokedScopes: readonly string[];
  /** Conflicts that wait for this user. */
  readonly conflicts: number;
  readonly topics: readonly string[] | null;
  readonly schema: ServerSchema | null;
  /** For whoever keeps models. */
  readonly models: unknown;
}

/** Anything else than what protocol 1 says makes an answer unusable. It is asked for again later. */
function badAnswer(): SyncFailure {
  return new SyncFailure('retry', 'server', 'bad_answer');
}

type Fields = { readonly [name: string]: unknown };

function object(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw badAnswer();
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw badAnswer();
}

function decimal(value: unknown): string {
  const digits = String(value);
  if (/^\d+$/.test(digits)) return digits;
  throw badAnswer();
}

/** A number that never exceeds what JavaScript counts exactly; sent as a decimal string. */
function count(value: unknown): number {
  const number = Number(value ?? Number.NaN);
  if (Number.isSafeInteger(number)) return number;
  throw badAnswer();
}

function time(value: unknown): number {
  return count(Date.parse(text(value)));
}

function row(value: unknown): JsonRow {
  return object(value) as JsonRow;
}

/** The value, or null where there is none. */
function maybe<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value == null ? null : read(value);
}

function list<T>(value: unknown, read: (item: unknown) => T): T[] {
  if (Array.isArray(value)) return value.map(read);
  if (value == null) return [];
  throw badAnswer();
}

function record<T>(value: unknown, read: (item: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(object(value ?? {})).map(([name, item]) => [name, read(item)]));
}

/** An answer without an epoch was not given by `offline.*`: somebody in between answered. */
function envelope(data: unknown): Fields {
  if (typeof data === 'object' && data !== null && 'epoch' in data) return object(data);
  throw new SyncFailure('retry', 'offline', 'offline', 'something else answered');
}

/** What every answer tells about the server. */
function server(answer: Fields): { epoch: string; serverNow: number; serverHlc: string } {
  return {
    epoch: text(answer.epoch),
    serverNow: time(answer.server_now),
    serverHlc: decimal(answer.server_hlc),
  };
}

export function readRegisterAnswer(data: unknown): RegisterAnswer {
  const answer = envelope(data);
  return { ackedSeq: count(answer.acked_seq), serverNow: time(answer.server_now) };
}

export function readPushAnswer(data: unknown): PushAnswer {
  const answer = envelope(data);
  return { ...server(answer), ackedSeq: count(answer.acked_seq), results: list(answer.results, readResult) };
}

const STATUSES: ReadonlySet<string> = new Set<ResultStatus>([
  'applied',
  'merged',
  'conflict',
  'duplicate',
  'deferred',
  'rejected',
]);

function status(value: unknown): ResultStatus {
  if (STATUSES.has(text(value))) return value as ResultStatus;
  throw badAnswer();
}

function readResult(value: unknown): PushResult {
  const result = object(value);
  return {
    seq: count(result.seq),
    status: status(result.status),
    was: maybe(result.was, status) as PushResult['was'],
    version: maybe(result.version, decimal),
    columns: record(result.columns, text),
    row: result.row === undefined ? undefined : maybe(result.row, row),
    scope: maybe(result.scope, text),
    conflictId: maybe(result.conflict_id, text),
    error: maybe(result.error, readServerError),
  };
}

function readServerError(value: unknown): ServerError {
  const error = object(value);
  return {
    code: text(error.code),
    message: text(error.message),
    detail: maybe(error.detail, text),
    hint: maybe(error.hint, text),
  };
}

export function readPullAnswer(data: unknown): PullAnswer {
  const answer = envelope(data);
  return {
    ...server(answer),
    reset: answer.reset === true,
    cursor: text(answer.cursor),
    hasMore: answer.has_more === true,
    changes: list(answer.changes, readChanges),
    revokedScopes: list(answer.revoked_scopes, text),
    conflicts: count(answer.conflicts),
    topics: maybe(answer.topics, (topics) => list(topics, text)),
    schema: maybe(answer.schema, readSchema),
    models: answer.models,
  };
}

function readChanges(value: unknown): TableChanges {
  const changes = object(value);
  const entries = (name: string) => list(changes[name], object);
  return {
    table: text(changes.table),
    scope: maybe(changes.scope, text),
    upserts: entries('upserts').map((entry) => ({ version: decimal(entry.version), row: row(entry.row) })),
    deletes: entries('deletes').map((entry) => ({ version: decimal(entry.version), key: row(entry.key) })),
    evicts: entries('evicts').map((entry) => ({ key: row(entry.key) })),
  };
}

function readSchema(value: unknown): ServerSchema {
  const schema = object(value);
  return {
    hash: text(schema.hash),
    tables: record(schema.tables, (item) => {
      const table = object(item);
      return {
        key: list(table.key, text),
        columns: record(table.columns, text),
        policy: (table.policy ?? {}) as Json,
      };
    }),
  };
}

/** One line of the conflict list. */
function readConflict(value: unknown): Conflict {
  const conflict = object(value);
  const columns = record(conflict.columns, row);
  const side = (name: string): JsonRow =>
    Object.fromEntries(Object.entries(columns).map(([column, sides]) => [column, sides[name] ?? null]));
  return {
    id: text(conflict.id),
    table: text(conflict.table),
    key: row(conflict.key),
    columns: Object.keys(columns),
    base: side('base'),
    mine: side('mine'),
    theirs: side('theirs'),
    createdAt: maybe(conflict.created_at, text),
  };
}

/** A page of the conflict list, and whether more follow. */
export function readConflicts(data: unknown): { readonly conflicts: Conflict[]; readonly hasMore: boolean } {
  const answer = object(data);
  return { conflicts: list(answer.conflicts, readConflict), hasMore: answer.has_more === true };
}
