/** Turns what an app asked for into a mutation: what changed, what the device had seen, and when. Pure. */

import { tick } from '../clock/hlc.ts';
import { OfflineError } from '../errors.ts';
import type { Draft } from '../store/draft.ts';
import { keyOf, keyText, type TableSpec } from '../table.ts';
import type { JsonRow, Mutation, Operation } from '../types.ts';
import { type ColumnTypes, sameJson, toJsonRow } from '../values.ts';

/** What an app asked for, before it is known what it changes. */
export type Intent =
  | { readonly op: 'insert' | 'upsert'; readonly table: TableSpec; readonly values: object }
  | {
      readonly op: 'update';
      readonly table: TableSpec;
      readonly key: JsonRow;
      /** New values, or a function of the row as shown at the moment of writing. */
      readonly change: object | ((row: JsonRow) => object);
    }
  | { readonly op: 'delete'; readonly table: TableSpec; readonly key: JsonRow };

/** What mutations are built from besides the intent. */
export interface BuildContext {
  readonly draft: Draft;
  readonly userId: string;
  /** Milliseconds since 1970 by the device, and how far the server is ahead of it. */
  readonly nowMs: number;
  readonly offsetMs: number;
  readonly group: string | null;
  readonly after: readonly number[];
}

/** What an intent came to: the row's key, and a mutation unless it changed nothing. */
export interface Built {
  readonly key: JsonRow;
  readonly mutation: Mutation | null;
}

/** Adds the intent's mutation to the draft, with the next seq. */
export function addIntent(intent: Intent, context: BuildContext): Built {
  const { draft } = context;
  const types = draft.sync.schema?.tables[intent.table.qualified]?.columns ?? {};
  const given = 'values' in intent ? withKey(intent.table, toJsonRow(intent.values, types)) : intent.key;
  const key = keyOf(intent.table, given);
  const text = keyText(intent.table, given);
  const shown = draft.view(intent.table.qualified, text);
  const patch = patchOf(intent, given, shown, types);
  if (patch === null) return { key, mutation: null };

  const server = draft.row(intent.table.qualified, text);
  const hlc = tick(draft.head.hlc, context.nowMs + context.offsetMs);
  const mutation: Mutation = {
    seq: draft.head.nextSeq,
    userId: context.userId,
    op: intent.op,
    table: intent.table.qualified,
    key,
    keyText: text,
    base: server?.version ?? null,
    patch,
    before: beforeOf(intent.op, key, patch, shown),
    hlc,
    after: context.after,
    group: context.group,
    priority: intent.table.priority,
    createdAt: context.nowMs,
    state: 'queued',
    voided: false,
    reflected: false,
    version: null,
  };
  draft.putMutation(mutation);
  draft.setHead({ nextSeq: mutation.seq + 1, hlc });
  return { key, mutation };
}

/** The columns that the mutation carries, or null when it would change nothing. */
function patchOf(
  intent: Intent,
  given: JsonRow,
  shown: JsonRow | undefined,
  types: ColumnTypes,
): JsonRow | null {
  switch (intent.op) {
    case 'insert':
      if (shown !== undefined) {
        throw new OfflineError('row_exists', intent.table.qualified);
      }
      return withoutKey(intent.table, given);
    case 'upsert': {
      if (shown === undefined) return withoutKey(intent.table, given);
      return changedColumns(withoutKey(intent.table, given), shown);
    }
    case 'update': {
      if (shown === undefined) {
        throw new OfflineError('row_not_found', intent.table.qualified);
      }
      const change = typeof intent.change === 'function' ? intent.change(shown) : intent.change;
      const values = toJsonRow(change, types);
      assertSameKey(intent.table, values, shown);
      return changedColumns(withoutKey(intent.table, values), shown);
    }
    case 'delete':
      return {};
  }
}

function withKey(spec: TableSpec, values: JsonRow): JsonRow {
  const missing = spec.keyColumns.filter((column) => values[column] === undefined || values[column] === null);
  if (missing.length === 0) return values;
  const [column] = missing;
  if (spec.generateKey === null || missing.length > 1 || column === undefined) {
    throw new OfflineError('key_missing', `${spec.qualified} (${missing.join()})`);
  }
  return { ...values, [column]: spec.generateKey() };
}

function withoutKey(spec: TableSpec, values: JsonRow): JsonRow {
  return Object.fromEntries(Object.entries(values).filter(([column]) => !spec.keyColumns.includes(column)));
}

function changedColumns(values: JsonRow, shown: JsonRow): JsonRow | null {
  const changed = Object.entries(values).filter(([column, value]) => !sameJson(value, shown[column]));
  return changed.length === 0 ? null : Object.fromEntries(changed);
}

function assertSameKey(spec: TableSpec, values: JsonRow, shown: JsonRow): void {
  for (const column of spec.keyColumns) {
    const value = values[column];
    if (value !== undefined && String(value) !== String(shown[column])) {
      throw new OfflineError('key_change', `${spec.qualified}.${column}`);
    }
  }
}

/**
 * What the device showed for the patched columns: counters and merges are computed from it. For a deletion, of the
 * whole row: where others had changed it, people are shown what each side started from.
 */
function beforeOf(op: Operation, key: JsonRow, patch: JsonRow, shown: JsonRow | undefined): JsonRow | null {
  if (shown === undefined || op === 'insert') return null;
  const columns =
    op === 'delete'
      ? Object.keys(shown).filter((column) => !(column in key))
      : Object.keys(patch).filter((column) => shown[column] !== undefined);
  return Object.fromEntries(columns.map((column) => [column, shown[column] ?? null]));
}
