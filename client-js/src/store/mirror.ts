/**
 * What the storage holds, in memory. It is a function of the committed writes and of nothing else: nobody changes it
 * except by committing, so it cannot differ from what a reload would read.
 */

import { HLC_ZERO } from '../clock/hlc.ts';
import type { DeviceRecord, HeadRecord, StoreRecords, StoreWrite, SyncState } from '../storage/storage.ts';
import type { TableSpec } from '../table.ts';
import type { Conflict, JsonRow, Mutation, RejectedMutation, ServerRow } from '../types.ts';
import { viewRow } from './overlay.ts';
import { TableView } from './table-view.ts';

export const EMPTY_HEAD: HeadRecord = { nextSeq: 1, hlc: HLC_ZERO, revision: 0 };

export const EMPTY_SYNC: SyncState = {
  cursor: null,
  epoch: null,
  ackedSeq: 0,
  tables: [],
  topics: [],
  schema: null,
  paging: false,
  sweeping: false,
  generation: 0,
  lastPulledAt: null,
  lastPushedAt: null,
  clock: null,
};

/** What a commit changed. */
export interface StoreChange {
  /** Tables with a row whose shown state may differ. */
  readonly tables: ReadonlySet<string>;
  readonly outbox: boolean;
  readonly conflicts: boolean;
  readonly sync: boolean;
  /** Another tab had written, and everything was read again. */
  readonly reloaded: boolean;
}

/** Everything the storage holds, as read when it is opened. */
export interface StoredRecords {
  readonly device: DeviceRecord;
  readonly head: HeadRecord;
  readonly sync: SyncState;
  readonly rows: readonly ServerRow[];
  readonly outbox: readonly Mutation[];
  readonly rejected: readonly RejectedMutation[];
  readonly conflicts: readonly Conflict[];
}

/** Identifies a row over all tables. */
export function rowId(table: string, keyText: string): string {
  return `${table} ${keyText}`;
}

const NONE: readonly Mutation[] = [];

function isPending({ state, voided }: Mutation): boolean {
  return state !== 'confirmed' && !voided;
}

export class Mirror {
  device: DeviceRecord;
  head: HeadRecord;
  sync: SyncState;
  readonly outbox: Map<number, Mutation>;
  readonly rejected: Map<number, RejectedMutation>;
  readonly conflicts: Map<string, Conflict>;
  /** Mutations that the user still waits for. */
  pendingCount = 0;
  readonly #rows = new Map<string, ServerRow>();
  readonly #mutationsByRow = new Map<string, Mutation[]>();
  readonly #views = new Map<string, TableView>();

  constructor(tables: Iterable<TableSpec>, stored: StoredRecords) {
    this.device = stored.device;
    this.head = stored.head;
    this.sync = stored.sync;
    this.rejected = new Map(stored.rejected.map((entry) => [entry.seq, entry]));
    this.conflicts = new Map(stored.conflicts.map((entry) => [entry.id, entry]));
    this.outbox = new Map(stored.outbox.map((entry) => [entry.seq, entry]));
    for (const { qualified, indexes } of tables) this.#views.set(qualified, new TableView(indexes));
    for (const mutation of stored.outbox) this.#addToRow(mutation);
    for (const row of stored.rows) this.#rows.set(rowId(row.table, row.keyText), row);
    for (const row of stored.rows) this.#refreshView(row.table, row.keyText);
    for (const mutation of stored.outbox) this.#refreshView(mutation.table, mutation.keyText);
  }

  serverRow(table: string, keyText: string): ServerRow | undefined {
    return this.#rows.get(rowId(table, keyText));
  }

  serverRows(): Iterable<ServerRow> {
    return this.#rows.values();
  }

  mutationsOf(table: string, keyText: string): readonly Mutation[] {
    return this.#mutationsByRow.get(rowId(table, keyText)) ?? NONE;
  }

  /** The shown rows of a declared table. */
  view(table: string): TableView | undefined {
    return this.#views.get(table);
  }

  viewOf(table: string, keyText: string): JsonRow | undefined {
    return this.#views.get(table)?.get(keyText);
  }

  /** Takes over committed writes and says what changed. */
  apply(writes: readonly StoreWrite[]): StoreChange {
    const touched = new Map<string, readonly [string, string]>();
    const stores = new Set<string>();
    for (const write of writes) {
      stores.add(write.store === 'meta' ? `meta ${write.key[0]}` : write.store);
      for (const row of this.#applyWrite(write)) touched.set(rowId(...row), row);
    }
    const tables = new Set<string>();
    for (const [table, keyText] of touched.values()) {
      this.#refreshView(table, keyText);
      tables.add(table);
    }
    return {
      tables,
      outbox: stores.has('outbox') || stores.has('rejected'),
      conflicts: stores.has('conflicts'),
      sync: stores.has('meta sync'),
      reloaded: false,
    };
  }

  /** Applies one write; answers the rows whose shown state it may change. */
  #applyWrite(write: StoreWrite): (readonly [string, string])[] {
    switch (write.store) {
      case 'rows': {
        const [table, keyText] = write.key as readonly [string, string];
        if (write.type === 'put') this.#rows.set(rowId(table, keyText), write.value);
        else this.#rows.delete(rowId(table, keyText));
        return [[table, keyText]];
      }
      case 'outbox': {
        const seq = write.key[0] as number;
        const previous = this.outbox.get(seq);
        if (previous !== undefined) this.#removeFromRow(previous);
        if (write.type === 'delete') this.outbox.delete(seq);
        else {
          this.outbox.set(seq, write.value);
          this.#addToRow(write.value);
        }
        const affected = [previous, write.type === 'put' ? write.value : undefined];
        return affected.flatMap((one) => (one === undefined ? [] : [[one.table, one.keyText] as const]));
      }
      case 'rejected':
        if (write.type === 'put') this.rejected.set(write.value.seq, write.value);
        else this.rejected.delete(write.key[0] as number);
        return [];
      case 'conflicts':
        if (write.type === 'put') this.conflicts.set(write.value.id, write.value);
        else this.conflicts.delete(write.key[0] as string);
        return [];
      case 'meta':
        if (write.type === 'put') this.#applyMeta(write.key[0] as string, write.value);
        return [];
    }
  }

  #applyMeta(name: string, value: StoreRecords['meta']): void {
    if (name === 'head') this.head = value as HeadRecord;
    else if (name === 'sync') this.sync = value as SyncState;
    else if (name === 'device') this.device = value as DeviceRecord;
  }

  #addToRow(mutation: Mutation): void {
    if (isPending(mutation)) this.pendingCount += 1;
    const id = rowId(mutation.table, mutation.keyText);
    const others = (this.#mutationsByRow.get(id) ?? []).filter(({ seq }) => seq !== mutation.seq);
    this.#mutationsByRow.set(
      id,
      [...others, mutation].sort((a, b) => a.seq - b.seq),
    );
  }

  #removeFromRow(mutation: Mutation): void {
    if (isPending(mutation)) this.pendingCount -= 1;
    const id = rowId(mutation.table, mutation.keyText);
    const others = (this.#mutationsByRow.get(id) ?? []).filter(({ seq }) => seq !== mutation.seq);
    if (others.length === 0) this.#mutationsByRow.delete(id);
    else this.#mutationsByRow.set(id, others);
  }

  #refreshView(table: string, keyText: string): void {
    const row = viewRow(this.serverRow(table, keyText)?.row, this.mutationsOf(table, keyText));
    this.#views.get(table)?.set(keyText, row);
  }
}
