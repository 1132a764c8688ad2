/**
 * A set of changes to the local store that will be committed together. Reads see the changes made so far, so several
 * steps on one row (a batch of verdicts, a page of rows) build on each other.
 */

import type {
  HeadRecord,
  StoreKey,
  StoreName,
  StoreRecords,
  StoreWrite,
  SyncState,
} from '../storage/storage.ts';
import type { Conflict, JsonRow, Mutation, RejectedMutation, ServerRow } from '../types.ts';
import { type Mirror, rowId } from './mirror.ts';
import { viewRow } from './overlay.ts';

export class Draft {
  readonly #writes = new Map<string, StoreWrite>();
  /** Seqs of the mutations that this draft writes, by row. */
  readonly #touched = new Map<string, Set<number>>();
  /** Takes back the changes made so far, newest last. */
  readonly #undo: (() => void)[] = [];
  #head: HeadRecord;
  #sync: SyncState;

  constructor(private readonly mirror: Mirror) {
    this.#head = mirror.head;
    this.#sync = mirror.sync;
  }

  get head(): HeadRecord {
    return this.#head;
  }

  get sync(): SyncState {
    return this.#sync;
  }

  /** True when nothing would be written. */
  get isEmpty(): boolean {
    return this.#writes.size === 0;
  }

  writes(): StoreWrite[] {
    return [...this.#writes.values()];
  }

  /** A place to come back to: the returned function takes back everything drafted after this call. */
  savepoint(): () => void {
    const mark = this.#undo.length;
    return () => {
      for (const step of this.#undo.splice(mark).reverse()) step();
    };
  }

  row(table: string, keyText: string): ServerRow | undefined {
    return this.#read('rows', [table, keyText], () => this.mirror.serverRow(table, keyText));
  }

  mutation(seq: number): Mutation | undefined {
    return this.#read('outbox', [seq], () => this.mirror.outbox.get(seq));
  }

  /** Mutations of a row, in order. */
  mutationsOf(table: string, keyText: string): readonly Mutation[] {
    const known = this.mirror.mutationsOf(table, keyText);
    const touched = this.#touched.get(rowId(table, keyText));
    if (touched === undefined) return known;
    return this.#current([...known.map(({ seq }) => seq), ...touched]).filter(
      (mutation) => mutation.table === table && mutation.keyText === keyText,
    );
  }

  /** All mutations that wait, in order. */
  mutations(): readonly Mutation[] {
    return this.#current([this.mirror.outbox.keys(), ...this.#touched.values()].flatMap((seqs) => [...seqs]));
  }

  /** The row as the user would see it after this draft. */
  view(table: string, keyText: string): JsonRow | undefined {
    return viewRow(this.row(table, keyText)?.row, this.mutationsOf(table, keyText));
  }

  putRow(row: ServerRow): void {
    this.#put('rows', [row.table, row.keyText], row);
  }

  deleteRow(table: string, keyText: string): void {
    if (this.row(table, keyText) !== undefined) this.#delete('rows', [table, keyText]);
  }

  putMutation(mutation: Mutation): void {
    this.#touch(mutation);
    this.#put('outbox', [mutation.seq], mutation);
  }

  deleteMutation(mutation: Mutation): void {
    this.#touch(mutation);
    this.#delete('outbox', [mutation.seq]);
  }

  putRejected(rejected: RejectedMutation): void {
    this.#put('rejected', [rejected.seq], rejected);
  }

  deleteRejected(seq: number): void {
    this.#delete('rejected', [seq]);
  }

  putConflict(conflict: Conflict): void {
    this.#put('conflicts', [conflict.id], conflict);
  }

  deleteConflict(id: string): void {
    this.#delete('conflicts', [id]);
  }

  setHead(change: Partial<HeadRecord>): void {
    const previous = this.#head;
    this.#undo.push(() => {
      this.#head = previous;
    });
    this.#head = { ...previous, ...change };
    this.#put('meta', ['head'], this.#head);
  }

  setSync(change: Partial<SyncState>): void {
    const previous = this.#sync;
    this.#undo.push(() => {
      this.#sync = previous;
    });
    this.#sync = { ...previous, ...change };
    this.#put('meta', ['sync'], this.#sync);
  }

  setDevice(deviceId: string): void {
    this.#put('meta', ['device'], { deviceId, userId: this.mirror.device.userId });
  }

  /** The mutations of these seqs that are there, each once and in order. */
  #current(seqs: readonly number[]): Mutation[] {
    return [...new Set(seqs)]
      .sort((a, b) => a - b)
      .map((seq) => this.mutation(seq))
      .filter((mutation) => mutation !== undefined);
  }

  #touch({ table, keyText, seq }: Mutation): void {
    const id = rowId(table, keyText);
    const touched = this.#touched.get(id);
    if (touched === undefined) this.#touched.set(id, new Set([seq]));
    else touched.add(seq);
  }

  #read<S extends StoreName>(
    store: S,
    key: StoreKey,
    fallback: () => StoreRecords[S] | undefined,
  ): StoreRecords[S] | undefined {
    const write = this.#writes.get(writeId(store, key));
    if (write === undefined) return fallback();
    return write.type === 'put' ? (write.value as StoreRecords[S]) : undefined;
  }

  #put<S extends StoreName>(store: S, key: StoreKey, value: StoreRecords[S]): void {
    this.#write({ type: 'put', store, key, value } as StoreWrite);
  }

  #delete(store: StoreName, key: StoreKey): void {
    this.#write({ type: 'delete', store, key });
  }

  #write(write: StoreWrite): void {
    const id = writeId(write.store, write.key);
    const previous = this.#writes.get(id);
    this.#undo.push(() => {
      if (previous === undefined) this.#writes.delete(id);
      else this.#writes.set(id, previous);
    });
    this.#writes.set(id, write);
  }
}

function writeId(store: StoreName, key: StoreKey): string {
  return `${store} ${JSON.stringify(key)}`;
}
