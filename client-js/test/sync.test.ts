import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeWorld, type World } from './support/world.ts';

let world: World;

beforeEach(() => {
  world = makeWorld();
});

afterEach(async () => {
  await world.close();
});

describe('two devices', () => {
  it('see each other’s rows after each has synced', async () => {
    const phone = await world.device();
    const laptop = await world.device();
    await phone.db.note.insert({ id: 'a', team: 'red', title: 'from the phone', n: 1 });
    await laptop.db.note.insert({ id: 'b', team: 'red', title: 'from the laptop', n: 2 });

    await phone.settle();
    await laptop.settle();
    await phone.settle();

    expect([...(await phone.rows()).keys()]).toEqual(['a', 'b']);
    expect(await laptop.rows()).toEqual(await phone.rows());
    expect(await phone.rows()).toEqual(world.server.visible('ann'));
  });

  it('keep both edits of different columns of one row', async () => {
    const phone = await world.device();
    const laptop = await world.device();
    world.server.write('a', { team: 'red', title: 'start', n: 1 });
    await phone.settle();
    await laptop.settle();

    await phone.db.note.update('a', { title: 'phone' });
    await laptop.db.note.update('a', { n: 7 });
    await phone.settle();
    await laptop.settle();
    await phone.settle();

    expect((await phone.rows()).get('a')).toMatchObject({ title: 'phone', n: 7 });
    expect(await laptop.rows()).toEqual(await phone.rows());
  });

  it('add up what both counted offline', async () => {
    const phone = await world.device();
    const laptop = await world.device();
    world.server.write('a', { team: 'red', likes: 10 });
    await phone.settle();
    await laptop.settle();

    for (const device of [phone, phone, laptop]) {
      await device.db.note.update('a', (row) => ({ likes: (row.likes ?? 0) + 1 }));
    }
    await phone.settle();
    await laptop.settle();

    expect(world.server.visible('ann').get('a')?.likes).toBe(13);
    expect((await laptop.rows()).get('a')?.likes).toBe(13);
  });

  it('agree on the later edit even when one clock is years off', async () => {
    const wrong = await world.device({ skewMs: 73 * 365 * 86_400_000 });
    const right = await world.device();
    world.server.write('a', { team: 'red', title: 'start' });
    await wrong.settle();
    await right.settle();

    await wrong.db.note.update('a', { title: 'first, by the wrong clock' });
    await world.clock.advance(1_000);
    await right.clock.advance(1_000);
    await right.db.note.update('a', { title: 'second' });
    await wrong.settle();
    await right.settle();

    expect((await right.rows()).get('a')?.title).toBe('second');
  });
});

describe('verdicts', () => {
  it('reach the handle: applied', async () => {
    const { db } = await world.device();
    const write = await db.note.insert({ id: 'a', team: 'red' });
    expect(write.state).toBe('queued');

    await db.sync();

    expect(await write.synced).toEqual({ status: 'applied' });
    expect(write.state).toBe('synced');
  });

  it('reach the handle: rejected, with the server’s reason', async () => {
    const { db } = await world.device();
    const write = await db.note.insert({ id: 'a', team: 'red', n: -1 });

    await db.sync();

    expect(await write.synced).toMatchObject({ status: 'rejected', error: { code: '23514' } });
    expect(write.state).toBe('rejected');
    expect(db.status.get()).toMatchObject({ pending: 0, rejected: 1 });
    expect(await db.note.get('a')).toBeUndefined();
  });

  it('reach the handle: merged, with how each column went', async () => {
    const phone = await world.device();
    world.server.write('a', { team: 'red', title: 'start' });
    await phone.settle();
    const write = await phone.db.note.update('a', { title: 'mine' });
    await world.clock.advance(60_000);
    world.server.write('a', { title: 'theirs' });

    await phone.settle();

    expect(await write.synced).toEqual({ status: 'merged', columns: { title: 'theirs' } });
    expect((await phone.rows()).get('a')?.title).toBe('theirs');
  });

  it('survive a restart: a rejection is still there to be seen', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red', n: -1 });
    await device.db.sync();
    await device.crash();

    expect(await device.db.outbox.list()).toMatchObject([
      { seq: 1, state: 'rejected', error: { code: '23514' } },
    ]);
  });

  it('of a deferred mutation come later, and its change is shown meanwhile', async () => {
    const { db } = await world.device();
    world.server.deferN = 5;
    const write = await db.note.insert({ id: 'a', team: 'red', n: 5 });
    await db.sync();
    expect(write.state).toBe('deferred');
    expect((await db.note.get('a'))?.n).toBe(5);
    expect(db.status.get().pending).toBe(1);

    world.server.deferN = null;
    await db.sync();

    expect(await write.synced).toEqual({ status: 'applied' });
    expect((await db.note.get('a'))?.n).toBe(5);
    expect(db.status.get().pending).toBe(0);
  });
});

describe('conflicts', () => {
  it('show both sides, and are gone everywhere once decided', async () => {
    const phone = await world.device();
    const laptop = await world.device();
    world.server.write('a', { team: 'red', grade: 1 });
    await phone.settle();
    await laptop.settle();
    const write = await phone.db.note.update('a', { grade: 2 });
    await world.clock.advance(1_000);
    world.server.write('a', { grade: 3 });

    await phone.sync();
    await laptop.sync();

    expect(await write.synced).toMatchObject({ status: 'conflict', columns: { grade: 'manual' } });
    const [conflict] = await phone.db.conflicts.list();
    expect(conflict).toMatchObject({ table: 'public.note', key: { id: 'a' }, columns: ['grade'] });
    expect(conflict).toMatchObject({ base: { grade: 1 }, mine: { grade: 2 }, theirs: { grade: 3 } });
    expect((await phone.rows()).get('a')?.grade).toBe(3);
    expect(await laptop.db.conflicts.list()).toHaveLength(1);

    await phone.db.conflicts.resolve(conflict?.id ?? '', 'mine');
    await phone.sync();
    await laptop.sync();

    expect((await phone.rows()).get('a')?.grade).toBe(2);
    expect((await laptop.rows()).get('a')?.grade).toBe(2);
    expect(await laptop.db.conflicts.list()).toEqual([]);
    expect(phone.db.status.get().conflicts).toBe(0);
  });

  it('decided elsewhere say so, and leave the list', async () => {
    const phone = await world.device();
    world.server.write('a', { team: 'red', grade: 1 });
    await phone.settle();
    await phone.db.note.update('a', { grade: 2 });
    world.server.write('a', { grade: 3 });
    await phone.sync();
    const [conflict] = await phone.db.conflicts.list();
    world.server.conflicts.clear();

    await expect(phone.db.conflicts.resolve(conflict?.id ?? '', 'mine')).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await phone.db.conflicts.list()).toEqual([]);
  });
});
