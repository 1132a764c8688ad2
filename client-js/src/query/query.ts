/** Queries over the rows as shown: once, or live. */

import type { LocalStore } from '../store/local-store.ts';
import type { TableSpec } from '../table.ts';
import type { JsonRow } from '../types.ts';
import { type ColumnTypes, compareValues, equalValues, toJsonRow } from '../values.ts';
import { rowDecoder, typesOf } from './decode.ts';

/** Where queries find the store, which changes when another user signs in. */
export interface QuerySource {
  /** Resolves once the store is open; null when nobody has signed in on this device. */
  open(): Promise<LocalStore | null>;
  /** The open store, without waiting. */
  current(): LocalStore | null;
  /** Calls back after commits that touch the table, and when the store is another one. */
  onChange(qualifiedTable: string, listener: () => void): () => void;
}

interface Ordering {
  readonly column: string;
  readonly descending: boolean;
}

/** Which rows, in which order, how many. */
interface Description<Row> {
  readonly match: JsonRow;
  readonly predicates: readonly ((row: Row) => boolean)[];
  readonly ordering: readonly Ordering[];
  readonly maximum: number;
}

const ALL_ROWS: Description<object> = {
  match: {},
  predicates: [],
  ordering: [],
  maximum: Number.POSITIVE_INFINITY,
};

/** A description of rows; immutable, each step makes a new one. */
export class Query<Row extends object> {
  readonly #source: QuerySource;
  readonly #spec: TableSpec;
  readonly #wanted: Description<Row>;

  constructor(source: QuerySource, spec: TableSpec, wanted: Description<Row> = ALL_ROWS) {
    this.#source = source;
    this.#spec = spec;
    this.#wanted = wanted;
  }

  /** Rows whose columns have these values; further calls narrow it down. An index answers it where there is one. */
  where(match: Partial<Row>): Query<Row> {
    return this.#with({ match: { ...this.#wanted.match, ...toJsonRow(match, {}) } });
  }

  /** Rows for which the function is true. */
  filter(predicate: (row: Row) => boolean): Query<Row> {
    return this.#with({ predicates: [...this.#wanted.predicates, predicate] });
  }

  /** Sorts by a column; a further call sorts what is equal by the earlier ones. Nulls come last when ascending. */
  orderBy(column: keyof Row & string, direction: 'asc' | 'desc' = 'asc'): Query<Row> {
    return this.#with({ ordering: [...this.#wanted.ordering, { column, descending: direction === 'desc' }] });
  }

  limit(maximum: number): Query<Row> {
    return this.#with({ maximum });
  }

  /** The rows now, with the user's own pending changes. Never waits for the network. */
  async get(): Promise<Row[]> {
    return this.#evaluate(await this.#source.open());
  }

  /**
   * Calls `listener` with the rows soon, and again whenever they differ. Never calls it while subscribing. Returns
   * what ends it.
   */
  subscribe(listener: (rows: Row[]) => void): () => void {
    let last: Row[] | null = null;
    let isPlanned = false;
    let isEnded = false;
    const emit = () => {
      isPlanned = false;
      if (isEnded) return;
      const rows = this.#evaluate(this.#source.current());
      if (last !== null && isSameList(last, rows)) return;
      last = rows;
      listener(rows);
    };
    // Changes that come together are shown together.
    const plan = () => {
      if (isPlanned) return;
      isPlanned = true;
      queueMicrotask(emit);
    };
    const unsubscribe = this.#source.onChange(this.#spec.qualified, plan);
    void this.#source.open().then(plan, () => undefined);
    return () => {
      isEnded = true;
      unsubscribe();
    };
  }

  #with(change: Partial<Description<Row>>): Query<Row> {
    return new Query(this.#source, this.#spec, { ...this.#wanted, ...change });
  }

  #evaluate(store: LocalStore | null): Row[] {
    const view = store?.mirror.view(this.#spec.qualified);
    if (store == null || view === undefined) return [];
    const types = typesOf(store, this.#spec);
    const wanted = Object.entries(this.#wanted.match);
    const found: (readonly [string, JsonRow])[] = [];
    for (const candidate of view.candidates(this.#wanted.match)) {
      const [, row] = candidate;
      if (wanted.every(([column, value]) => equalValues(row[column], value, types[column])))
        found.push(candidate);
    }
    found.sort(this.#comparator(types));
    const decode = rowDecoder<Row>(this.#spec, types);
    const rows: Row[] = [];
    for (const [, row] of found) {
      if (rows.length >= this.#wanted.maximum) break;
      const shown = decode(row);
      if (this.#wanted.predicates.every((accepts) => accepts(shown))) rows.push(shown);
    }
    return rows;
  }

  /** Rows that are equal by all orderings stay in the order of their keys, so that lists do not jump. */
  #comparator(types: ColumnTypes): (a: readonly [string, JsonRow], b: readonly [string, JsonRow]) => number {
    return ([keyA, a], [keyB, b]) => {
      for (const { column, descending } of this.#wanted.ordering) {
        const order = compareValues(a[column], b[column], types[column]);
        if (order !== 0) return descending ? -order : order;
      }
      return keyA < keyB ? -1 : keyA > keyB ? 1 : 0;
    };
  }
}

function isSameList<T>(left: readonly T[], right: readonly T[]): boolean {
  return left.length === right.length && left.every((item, i) => item === right[i]);
}
