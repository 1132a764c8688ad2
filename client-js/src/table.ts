/** How an app declares its synced tables. */

import { OfflineError } from './errors.ts';
import type { JsonRow } from './types.ts';

export type ColumnOf<Row> = keyof Row & string;

export interface TableOptions<Row> {
  /** The primary key: one column, or all of them in the order of the key. */
  readonly key: ColumnOf<Row> | readonly ColumnOf<Row>[];
  /** Schema of the table in the database. Default `public`. */
  readonly schema?: string;
  /** Name of the table in the database, where it differs from the property's name. */
  readonly name?: string;
  /** Columns whose equality in `where` is answered from an index in memory. */
  readonly indexes?: readonly ColumnOf<Row>[];
  /** Order in which the server works on deferred mutations. Default `normal`. */
  readonly priority?: 'high' | 'normal' | 'low';
  /** How `int8` columns are shown: as decimal strings (default) or as `bigint`. Never as rounded numbers. */
  readonly int8?: 'string' | 'bigint';
  /** Makes the key of an inserted row that has none. Default: a UUIDv7 for a key of one column. */
  readonly generateKey?: () => string | number;
}

/** A declared table; made by {@link table}. `Row` is carried in the type alone. */
export interface TableDefinition<Row> {
  readonly options: TableOptions<Row>;
  readonly accepts?: (row: Row) => void;
}

/**
 * Declares a synced table.
 *
 * @example
 * ```ts
 * const tables = { note: table<Note>({ key: 'id', indexes: ['team_id'] }) };
 * ```
 */
export function table<Row extends object>(options: TableOptions<Row>): TableDefinition<Row> {
  return { options };
}

/** The tables of a client, by property name. The row types differ, so this is the widest that holds them all. */
export type TableDefinitions = { readonly [name: string]: TableDefinition<never> };

export type RowOf<Definition> = Definition extends TableDefinition<infer Row extends object> ? Row : never;

/** A table as the other parts use it: names resolved, defaults filled in. */
export interface TableSpec {
  readonly name: string;
  /** `schema.table`, as it travels. */
  readonly qualified: string;
  readonly keyColumns: readonly string[];
  readonly indexes: readonly string[];
  readonly priority: number;
  readonly int8: 'string' | 'bigint';
  readonly generateKey: (() => string | number) | null;
}

/** Smaller is sooner. */
const PRIORITIES = { high: 1, normal: 5, low: 9 } as const;

/** Resolves an app's declarations. `defaultKey` makes the keys of tables that bring no generator. */
export function resolveTables(
  definitions: { readonly [name: string]: { readonly options: TableOptions<never> } },
  reserved: ReadonlySet<string>,
  defaultKey: () => string,
): Map<string, TableSpec> {
  const specs = new Map<string, TableSpec>();
  for (const [name, { options }] of Object.entries(definitions)) {
    if (reserved.has(name)) {
      throw new OfflineError('reserved_name', name);
    }
    const keyColumns: readonly string[] = typeof options.key === 'string' ? [options.key] : options.key;
    specs.set(name, {
      name,
      qualified: `${options.schema ?? 'public'}.${options.name ?? name}`,
      keyColumns,
      indexes: options.indexes ?? [],
      priority: PRIORITIES[options.priority ?? 'normal'],
      int8: options.int8 ?? 'string',
      generateKey: options.generateKey ?? (keyColumns.length === 1 ? defaultKey : null),
    });
  }
  return specs;
}

/** What identifies a row in calls: the value of a key of one column, or an object with all key columns. */
export type KeyInput<Row> = string | number | bigint | Partial<Row>;

/**
 * The text that identifies a row of a table on this device. Numbers and their decimal strings are the same key,
 * because `int8` keys travel as strings.
 */
export function keyText(spec: Pick<TableSpec, 'keyColumns' | 'qualified'>, row: JsonRow): string {
  return JSON.stringify(
    spec.keyColumns.map((column) => {
      const value = row[column];
      if (value === undefined || value === null || typeof value === 'object') {
        throw new OfflineError('key_missing', `${spec.qualified}.${column}`);
      }
      return String(value);
    }),
  );
}

/** The key columns of a row, in key order. */
export function keyOf(spec: Pick<TableSpec, 'keyColumns'>, row: JsonRow): JsonRow {
  return Object.fromEntries(spec.keyColumns.map((column) => [column, row[column] ?? null]));
}
