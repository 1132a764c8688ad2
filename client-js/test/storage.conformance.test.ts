import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it } from 'vitest';
import { indexedDbStorage } from '../src/storage/indexeddb.ts';
import { memoryStorage } from '../src/storage/memory.ts';
import type { OfflineStorage, StorageFactory, StoreWrite } from '../src/storage/storage.ts';
import type { ServerRow } from '../src/types.ts';

function row(table: string, keyText: string, title: string): ServerRow {
  return { table, keyText, version: '1', scope: 'red', row: { id: keyText, title }, generation: 1 };
}

function put(value: ServerRow): StoreWrite {
  return { type: 'put', store: 'rows', key: [value.table, value.keyText], value };
}

const implementations: readonly (readonly [string, () => StorageFactory])[] = [
  ['memory', () => memoryStorage().open],
  ['IndexedDB', () => indexedDbStorage()],
];

describe.each(implementations)('%s storage', (_name, makeFactory) => {
  let open: StorageFactory;
  let storage: OfflineStorage;

  beforeEach(async () => {
    globalThis.indexedDB = new IDBFactory();
    open = makeFactory();
    storage = await open('pos:test:ann:v1');
  });

  it('finds what was committed, and nothing else', async () => {
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');

    expect((await storage.get('rows', ['public.note', 'a']))?.row.title).toBe('one');
    expect(await storage.get('rows', ['public.note', 'b'])).toBeUndefined();
    expect(await storage.get('rows', ['public.task', 'a'])).toBeUndefined();
  });

  it('keeps what was committed when it is opened again', async () => {
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');
    await storage.close();

    const again = await open('pos:test:ann:v1');
    expect(await again.scan('rows', [])).toHaveLength(1);
  });

  it('keeps storages of different names apart', async () => {
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');

    const other = await open('pos:test:bob:v1');
    expect(await other.scan('rows', [])).toEqual([]);
  });

  it('scans by prefix, in key order', async () => {
    await storage.commit(
      ['c', 'a', 'b'].map((key) => put(row('public.note', key, key))),
      'relaxed',
    );
    await storage.commit([put(row('public.notebook', 'x', 'x'))], 'relaxed');

    const found = await storage.scan('rows', ['public.note']);
    expect(found.map(({ keyText }) => keyText)).toEqual(['a', 'b', 'c']);
    expect(await storage.scan('rows', [])).toHaveLength(4);
  });

  it('orders numbers by size, so that mutation 10 comes after mutation 9', async () => {
    const record = row('public.note', 'a', 'one');
    const mutation = (seq: number): StoreWrite => ({
      type: 'put',
      store: 'outbox',
      key: [seq],
      value: {
        seq,
        userId: 'ann',
        op: 'insert',
        table: record.table,
        key: { id: 'a' },
        keyText: 'a',
        base: null,
        patch: {},
        before: null,
        hlc: '0',
        after: [],
        group: null,
        priority: 5,
        createdAt: 0,
        state: 'queued',
        voided: false,
        reflected: false,
        version: null,
      },
    });
    await storage.commit([mutation(10), mutation(9), mutation(100)], 'strict');

    expect((await storage.scan('outbox', [])).map(({ seq }) => seq)).toEqual([9, 10, 100]);
  });

  it('applies the writes of a commit in order, over several stores', async () => {
    await storage.commit(
      [
        put(row('public.note', 'a', 'one')),
        { type: 'put', store: 'meta', key: ['device'], value: { deviceId: 'd', userId: 'ann' } },
        put(row('public.note', 'a', 'two')),
        put(row('public.note', 'b', 'gone')),
        { type: 'delete', store: 'rows', key: ['public.note', 'b'] },
        { type: 'delete', store: 'rows', key: ['public.note', 'never there'] },
      ],
      'strict',
    );

    expect((await storage.scan('rows', [])).map(({ row: { title } }) => title)).toEqual(['two']);
    expect(await storage.get('meta', ['device'])).toEqual({ deviceId: 'd', userId: 'ann' });
  });

  it('applies nothing of a commit that cannot be stored', async () => {
    const unstorable = { ...row('public.note', 'b', 'two'), row: { call: () => undefined } };
    const commit = storage.commit(
      [put(row('public.note', 'a', 'one')), put(unstorable as unknown as ServerRow)],
      'strict',
    );

    await expect(commit).rejects.toThrow();
    expect(await storage.scan('rows', [])).toEqual([]);
  });

  it('hands out copies, which a reader may change', async () => {
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');

    const first = await storage.get('rows', ['public.note', 'a']);
    (first?.row as Record<string, string>).title = 'changed by the reader';
    expect((await storage.get('rows', ['public.note', 'a']))?.row.title).toBe('one');
  });

  it('is empty after it was destroyed', async () => {
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');
    await storage.destroy();

    const again = await open('pos:test:ann:v1');
    expect(await again.scan('rows', [])).toEqual([]);
  });

  it('refuses work once it is closed', async () => {
    await storage.close();

    await expect(storage.get('rows', ['public.note', 'a'])).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('memory storage in a power cut', () => {
  it('loses the commits after the last strict one, and no others', async () => {
    const memory = memoryStorage();
    const storage = await memory.open('s');
    await storage.commit([put(row('public.note', 'a', 'relaxed, then flushed'))], 'relaxed');
    await storage.commit([put(row('public.note', 'b', 'strict'))], 'strict');
    await storage.commit(
      [put(row('public.note', 'b', 'lost')), put(row('public.note', 'c', 'lost'))],
      'relaxed',
    );

    memory.cutPower();

    const titles = (await (await memory.open('s')).scan('rows', [])).map(({ row: { title } }) => title);
    expect(titles).toEqual(['relaxed, then flushed', 'strict']);
  });
});

describe('IndexedDB storage on a bad browser', () => {
  beforeEach(() => {
    globalThis.indexedDB = new IDBFactory();
  });

  it('connects again when the browser has closed the connection', async () => {
    const storage = await indexedDbStorage()('s');
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');
    const original = IDBDatabase.prototype.transaction;
    let failures = 1;
    IDBDatabase.prototype.transaction = function (...args) {
      if (failures > 0) {
        failures -= 1;
        throw new DOMException('The database connection is closing.', 'InvalidStateError');
      }
      return original.apply(this, args);
    };
    try {
      expect(await storage.scan('rows', [])).toHaveLength(1);
    } finally {
      IDBDatabase.prototype.transaction = original;
    }
  });

  it('tells a full disk from other failures', async () => {
    const storage = await indexedDbStorage()('s');
    const original = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    try {
      const commit = storage.commit([put(row('public.note', 'a', 'one'))], 'strict');
      await expect(commit).rejects.toMatchObject({ code: 'quota' });
    } finally {
      IDBObjectStore.prototype.put = original;
    }
  });

  it('lets another tab delete the database instead of blocking it', async () => {
    const storage = await indexedDbStorage()('s');
    await storage.commit([put(row('public.note', 'a', 'one'))], 'strict');

    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase('s');
      request.onsuccess = () => resolve();
      request.onblocked = () => reject(new Error('blocked'));
    });
    expect(await storage.scan('rows', [])).toEqual([]);
  });
});
