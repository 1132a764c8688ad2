/** The rows of one table as the user sees them, in memory, with the indexes that the app asked for. */

import type { Json, JsonRow } from '../types.ts';
import { sameJson } from '../values.ts';

export class TableView {
  readonly #rows = new Map<string, JsonRow>();
  /** Column → value → keys of the rows that have it. */
  readonly #indexes: ReadonlyMap<string, Map<string, Set<string>>>;

  constructor(indexes: readonly string[]) {
    this.#indexes = new Map(indexes.map((column) => [column, new Map()]));
  }

  get(keyText: string): JsonRow | undefined {
    return this.#rows.get(keyText);
  }

  /** Rows that may match: those an index finds for one of the wanted columns, else all. */
  candidates(wanted: JsonRow): Iterable<readonly [string, JsonRow]> {
    for (const [column, value] of Object.entries(wanted)) {
      const index = this.#indexes.get(column);
      if (index === undefined) continue;
      const keys = index.get(indexKey(value)) ?? new Set<string>();
      return [...keys].map((key) => [key, this.#rows.get(key) as JsonRow] as const);
    }
    return this.#rows;
  }

  set(keyText: string, row: JsonRow | undefined): void {
    const previous = this.#rows.get(keyText);
    // The same content stays the same object: an acknowledged change must not make every list look new.
    if (sameJson(previous, row)) return;
    if (row === undefined) this.#rows.delete(keyText);
    // Frozen because it is handed out as it is: an app that changed it would change what all others see.
    else this.#rows.set(keyText, Object.freeze(row));
    for (const [column, index] of this.#indexes) {
      if (previous !== undefined) removeFrom(index, indexKey(previous[column]), keyText);
      if (row !== undefined) addTo(index, indexKey(row[column]), keyText);
    }
  }
}

/** One text for a value and its decimal string, because `int8` values travel as strings. */
function indexKey(value: Json | undefined): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value ?? null);
}

function addTo(index: Map<string, Set<string>>, value: string, keyText: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, new Set([keyText]));
  else keys.add(keyText);
}

function removeFrom(index: Map<string, Set<string>>, value: string, keyText: string): void {
  const keys = index.get(value);
  keys?.delete(keyText);
  if (keys?.size === 0) index.delete(value);
}
