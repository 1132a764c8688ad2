import 'fake-indexeddb/auto';
import { createClient } from '@supabase/supabase-js';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { createOfflineClient, memoryStorage, table } from '../src/index.ts';
import { processLocks } from '../src/locks.ts';
import { indexedDbStorage } from '../src/storage/indexeddb.ts';
import { makeWorld, type World } from './support/world.ts';

/** What `supabase gen types` makes, in short. */
interface Database {
  public: {
    Tables: {
      note: {
        Row: { id: string; title: string };
        Insert: { id?: string; title: string };
        Update: { id?: string; title?: string };
        Relationships: [];
      };
    };
    Views: Record<never, never>;
    Functions: Record<never, never>;
  };
}

const worlds: World[] = [];

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

describe('the client', () => {
  it('takes any supabase-js client, and gives tables their types', async () => {
    const supabase = createClient<Database>('http://127.0.0.1:9', 'key', {
      auth: { persistSession: false, autoRefreshToken: false },
      realtime: { transport: class {} as never },
    });
    const db = createOfflineClient({
      supabase,
      tables: { note: table<Database['public']['Tables']['note']['Row']>({ key: 'id' }) },
      storage: memoryStorage().open,
      realtime: false,
    });
    await db.ready;
    expectTypeOf(await db.note.get('a')).toEqualTypeOf<{ id: string; title: string } | undefined>();
    expect(db.status.get()).toMatchObject({ userId: null, pending: 0 });
    await db.close();
  });

  it('refuses table names that it has itself', () => {
    const supabase = createClient('http://127.0.0.1:9', 'key', {
      realtime: { transport: class {} as never },
      auth: { persistSession: false, autoRefreshToken: false },
    });
    expect(() =>
      createOfflineClient({
        supabase,
        storage: memoryStorage().open,
        tables: { sync: table<{ id: string }>({ key: 'id' }) },
      }),
    ).toThrow(expect.objectContaining({ code: 'reserved_name' }));
  });

  it('works over IndexedDB as over memory', async () => {
    const world = makeWorld();
    worlds.push(world);
    const device = await world.device({ openStorage: indexedDbStorage() });
    await device.db.note.insert({ id: 'a', team: 'red', title: 'kept' });
    await device.crash();
    expect(await device.db.note.get('a')).toMatchObject({ title: 'kept' });
    await device.settle();
    await device.crash();
    expect(await device.rows()).toEqual(world.server.visible('ann'));
    expect(device.db.status.get()).toMatchObject({ storage: 'best-effort', pending: 0 });
  });

  it('gives one immutable status, and tells listeners of each change only', async () => {
    const world = makeWorld();
    worlds.push(world);
    const { db } = await world.device();
    const seen: number[] = [];
    const stop = db.status.subscribe(({ pending }) => seen.push(pending));
    const before = db.status.get();
    await db.note.insert({ id: 'a', team: 'red' });
    expect(db.status.get()).not.toBe(before);
    expect(before.pending).toBe(0);
    expect(db.status.get().pending).toBe(1);
    expect(seen).toEqual([1]);
    stop();
    await db.sync();
    expect(seen).toEqual([1]);
    expect(db.status.get()).toMatchObject({ phase: 'idle', lastPulledAt: expect.any(Number) });
  });

  it('tells lists of each change', async () => {
    const world = makeWorld();
    worlds.push(world);
    const { db } = await world.device();
    const lengths: number[] = [];
    const stop = db.outbox.subscribe((entries) => lengths.push(entries.length));
    await db.note.insert({ id: 'a', team: 'red' });
    await db.sync();
    stop();
    await db.note.insert({ id: 'b', team: 'red' });
    expect(lengths[0]).toBe(0);
    expect(lengths.at(-1)).toBe(0);
    expect(Math.max(...lengths)).toBe(1);
  });

  it('can be closed in the middle of a call, and twice', async () => {
    const world = makeWorld();
    worlds.push(world);
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    device.transport.call = () => new Promise(() => undefined);
    const syncing = device.db.sync();
    await device.db.close();
    await device.db.close();
    expect(await syncing).toMatchObject({ status: 'paused' });
    await expect(device.db.note.insert({ id: 'b', team: 'red' })).rejects.toMatchObject({ code: 'no_user' });
  });
});

describe('locks within a process', () => {
  it('are granted in the order of asking, and outlast a failure', async () => {
    const locks = processLocks();
    const order: number[] = [];
    const turns = [1, 2, 3].map((turn) =>
      locks.request('a', async () => {
        await Promise.resolve();
        order.push(turn);
        if (turn === 2) throw new Error('failed');
      }),
    );
    const settled = await Promise.allSettled(turns);
    expect(order).toEqual([1, 2, 3]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('of different names do not wait for each other', async () => {
    const locks = processLocks();
    let release: () => void = () => undefined;
    const held = locks.request(
      'a',
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    );
    expect(await locks.request('b', async () => 'done')).toBe('done');
    release();
    await held;
  });
});
