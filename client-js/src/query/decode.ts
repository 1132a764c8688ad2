/** How stored rows are shown to the app: as they are, or with `int8` columns as `bigint`. */

import type { LocalStore } from '../store/local-store.ts';
import type { TableSpec } from '../table.ts';
import type { JsonRow } from '../types.ts';
import type { ColumnTypes } from '../values.ts';

const NO_TYPES: ColumnTypes = {};

/** Column types of a table, as far as the server has described them. */
export function typesOf(store: LocalStore, spec: TableSpec): ColumnTypes {
  return store.mirror.sync.schema?.tables[spec.qualified]?.columns ?? NO_TYPES;
}

/** Rows already shown with `bigint` values. The same row is shown as the same object, so lists compare by identity. */
const shownRows = new WeakMap<JsonRow, object>();

/** Makes the function that shows rows of a table. */
export function rowDecoder<Row>(spec: TableSpec, types: ColumnTypes): (row: JsonRow) => Row {
  const columns = spec.int8 === 'bigint' ? Object.keys(types).filter((name) => types[name] === 'int8') : [];
  if (columns.length === 0) return (row) => row as Row;
  return (row) => {
    const known = shownRows.get(row);
    if (known !== undefined) return known as Row;
    const shown: Record<string, unknown> = { ...row };
    for (const column of columns) {
      const value = row[column];
      if (typeof value === 'string' || typeof value === 'number') shown[column] = BigInt(value);
    }
    shownRows.set(row, Object.freeze(shown));
    return shown as Row;
  };
}
