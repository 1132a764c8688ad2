/** What an app does with one table. */

import type { Intent } from './outbox/build.ts';
import type { WriteHandle } from './outbox/handles.ts';
import type { WriteOptions } from './outbox/outbox.ts';
import { rowDecoder, typesOf } from './query/decode.ts';
import { Query, type QuerySource } from './query/query.ts';
import type { LocalStore } from './store/local-store.ts';
import { type KeyInput, keyText, type TableSpec } from './table.ts';
import type { JsonRow } from './types.ts';
import { toJsonRow } from './values.ts';

/** New values of a row: some columns, or a function of the row as it is shown when the write is made. */
export type Change<Row> = Partial<Row> | ((row: Row) => Partial<Row>);

/** How writes reach the outbox. */
export interface WriteSink {
  /** Waits for the store; rejects with `OfflineError` `no_user` when nobody has signed in. */
  write(intents: readonly Intent[], grouped: boolean, options: WriteOptions): Promise<WriteHandle[]>;
}

/**
 * One table. Reads are answered from this device. A write resolves when it is durable on this device; the server's
 * verdict is `handle.synced`.
 */
export class TableApi<Row extends object> {
  constructor(
    private readonly spec: TableSpec,
    private readonly source: QuerySource,
    private readonly sink: WriteSink,
  ) {}

  /** Adds a row. A missing key is made where the table allows it. `row_exists` when the row is shown already. */
  insert(values: Partial<Row>, options: WriteOptions = {}): Promise<WriteHandle> {
    return this.#write({ op: 'insert', table: this.spec, values }, options);
  }

  /**
   * Changes columns of a row that is on this device, else `row_not_found`. Only columns whose value differs travel.
   * Give a function to compute from the present values, as a counter does.
   */
  async update(key: KeyInput<Row>, change: Change<Row>, options: WriteOptions = {}): Promise<WriteHandle> {
    return this.#write(updateIntent(this.spec, this.source, key, change), options);
  }

  /** Writes these columns, whether the row exists or not. */
  upsert(values: Partial<Row>, options: WriteOptions = {}): Promise<WriteHandle> {
    return this.#write({ op: 'upsert', table: this.spec, values }, options);
  }

  /** Removes a row. Removing what does not exist is fine. */
  async delete(key: KeyInput<Row>, options: WriteOptions = {}): Promise<WriteHandle> {
    return this.#write({ op: 'delete', table: this.spec, key: keyRow(this.spec, key) }, options);
  }

  /** The row as shown, with the user's own pending changes. */
  async get(key: KeyInput<Row>): Promise<Row | undefined> {
    const text = keyText(this.spec, keyRow(this.spec, key));
    const store = await this.source.open();
    const row = store?.mirror.viewOf(this.spec.qualified, text);
    return store == null || row === undefined ? undefined : showRow<Row>(store, this.spec, row);
  }

  /** All rows, as a query to be narrowed down. */
  all(): Query<Row> {
    return new Query<Row>(this.source, this.spec);
  }

  /** Rows whose columns have these values. */
  where(match: Partial<Row>): Query<Row> {
    return this.all().where(match);
  }

  async #write(intent: Intent, options: WriteOptions): Promise<WriteHandle> {
    const [handle] = await this.sink.write([intent], false, options);
    return handle as WriteHandle;
  }
}

/** The writes of one table inside a batch. They are gathered, and made together at its end. */
export class BatchTable<Row extends object> {
  constructor(
    private readonly spec: TableSpec,
    private readonly source: QuerySource,
    private readonly gather: (intent: Intent) => void,
  ) {}

  insert(values: Partial<Row>): void {
    this.gather({ op: 'insert', table: this.spec, values });
  }

  update(key: KeyInput<Row>, change: Change<Row>): void {
    this.gather(updateIntent(this.spec, this.source, key, change));
  }

  upsert(values: Partial<Row>): void {
    this.gather({ op: 'upsert', table: this.spec, values });
  }

  delete(key: KeyInput<Row>): void {
    this.gather({ op: 'delete', table: this.spec, key: keyRow(this.spec, key) });
  }
}

function updateIntent<Row extends object>(
  spec: TableSpec,
  source: QuerySource,
  key: KeyInput<Row>,
  change: Change<Row>,
): Intent {
  const computed = (row: JsonRow): object => {
    const store = source.current();
    const shown = store === null ? (row as Row) : showRow<Row>(store, spec, row);
    return typeof change === 'function' ? change(shown) : change;
  };
  return { op: 'update', table: spec, key: keyRow(spec, key), change: computed };
}

function showRow<Row>(store: LocalStore, spec: TableSpec, row: JsonRow): Row {
  return rowDecoder<Row>(spec, typesOf(store, spec))(row);
}

/** The key columns as a row. `OfflineError` `key_missing` when one has no value. */
function keyRow<Row>(spec: TableSpec, key: KeyInput<Row>): JsonRow {
  const [first] = spec.keyColumns;
  const values = typeof key === 'object' ? key : { [first ?? '']: key };
  const row = toJsonRow(values as object, {});
  keyText(spec, row);
  return row;
}
