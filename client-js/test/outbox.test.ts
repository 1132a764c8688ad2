import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WireMutation } from './support/reference-merge.ts';
import { type Device, makeWorld, type World } from './support/world.ts';

let world: World;
let device: Device;

beforeEach(async () => {
  world = makeWorld();
  device = await world.device();
});

afterEach(async () => {
  await world.close();
});

/** The batches that were sent, as the server got them. */
function batches(): WireMutation[][] {
  return device.transport.calls
    .filter(({ fn }) => fn === 'push')
    .map(({ args }) => (JSON.parse(String(args.p_batch)) as { mutations: WireMutation[] }).mutations);
}

describe('a write', () => {
  it('gets the next number, also after a crash, and leaves no gap where one is refused', async () => {
    const { db } = device;
    expect((await db.note.insert({ id: 'a', team: 'red' })).seq).toBe(1);
    await expect(db.note.insert({ id: 'a', team: 'red' })).rejects.toMatchObject({ code: 'row_exists' });
    await expect(db.note.update('b', { n: 1 })).rejects.toMatchObject({ code: 'row_not_found' });
    await device.crash('power');
    expect((await device.db.note.update('a', { n: 1 })).seq).toBe(2);
  });

  it('of many at once gets numbers in the order of asking, in few commits', async () => {
    const writes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => device.db.note.insert({ id: `row-${i}`, team: 'red' })),
    );
    expect(writes.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it('that changes nothing is not queued', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'same' });
    const write = await device.db.note.update('a', { title: 'same' });
    expect(write).toMatchObject({ seq: undefined, state: 'synced' });
    expect(await write.synced).toEqual({ status: 'unchanged' });
    expect(await device.db.outbox.list()).toHaveLength(1);
  });

  it('carries only what changed, with what the device saw', async () => {
    world.server.write('a', { team: 'red', title: 'old', n: 1, likes: 4 });
    await device.settle();
    await device.db.note.update('a', { title: 'new', n: 1 });
    await device.db.note.update('a', (row) => ({ likes: (row.likes ?? 0) + 1 }));
    await device.settle();

    expect(batches().flat()).toMatchObject([
      { seq: '1', op: 'update', table: 'public.note', key: { id: 'a' }, base: '1', patch: { title: 'new' } },
      { seq: '2', base: '1', patch: { likes: 5 }, before: { likes: 4 } },
    ]);
    expect(batches().flat()[0]).toMatchObject({ before: { title: 'old' } });
  });

  it('makes a key where there is none, and refuses to change one', async () => {
    const write = await device.db.note.insert({ team: 'red' });
    expect(write.key.id).toMatch(/^[0-9a-f-]{36}$/);
    const id = String(write.key.id);
    await expect(device.db.note.update(id, { id: 'other' })).rejects.toMatchObject({ code: 'key_change' });
    await expect(device.db.note.get({})).rejects.toMatchObject({ code: 'key_missing' });
  });

  it('that no batch could carry is refused before it is stored', async () => {
    const title = 'x'.repeat(1_000_000);
    await expect(device.db.note.insert({ id: 'a', team: 'red', title })).rejects.toMatchObject({
      code: 'too_large',
    });
    expect(await device.db.outbox.list()).toEqual([]);
    expect(await device.db.note.get('a')).toBeUndefined();
  });

  it('is stamped later than everything that the device has seen', async () => {
    await world.clock.advance(3_600_000);
    world.server.write('a', { team: 'red', title: 'from an hour ahead' });
    await device.settle();
    await device.db.note.update('a', { title: 'after having seen it' });
    await device.settle();

    const stamp = world.server.rows.get('a')?.stamps.get('title');
    expect(batches().flat()[0]?.hlc).toBe(String(stamp?.hlc));
    expect(BigInt(batches().flat()[0]?.hlc ?? 0) >> 16n).toBeGreaterThanOrEqual(BigInt(world.clock.now()));
  });
});

describe('a batch', () => {
  it('is queued whole or not at all', async () => {
    const batch = device.db.batch((tx) => {
      tx.note.insert({ id: 'a', team: 'red' });
      tx.note.update('never seen', { n: 1 });
    });
    await expect(batch).rejects.toMatchObject({ code: 'row_not_found' });
    expect(await device.db.outbox.list()).toEqual([]);
    expect((await device.db.note.insert({ id: 'b', team: 'red' })).seq).toBe(1);
  });

  it('sees its own earlier writes', async () => {
    await device.db.batch((tx) => {
      tx.note.insert({ id: 'a', team: 'red', likes: 1 });
      tx.note.update('a', (row) => ({ likes: (row.likes ?? 0) + 1 }));
    });
    expect(await device.db.note.get('a')).toMatchObject({ likes: 2 });
  });

  it('is rejected whole', async () => {
    const handles = await device.db.batch((tx) => {
      tx.note.insert({ id: 'a', team: 'red', n: 1 });
      tx.note.insert({ id: 'b', team: 'red', n: -1 });
    });
    await device.settle();
    expect((await Promise.all(handles.map(({ synced }) => synced))).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
    ]);
    expect((await device.rows()).size).toBe(0);
    expect(world.server.visible('ann').size).toBe(0);
  });

  it('is never torn apart between two calls', async () => {
    const many = Array.from({ length: 600 }, (_, i) => i);
    for (const half of ['one', 'two']) {
      await device.db.batch((tx) => {
        for (const i of many) tx.note.insert({ id: `${half}-${i}`, team: 'red' });
      });
    }
    await device.settle();
    expect(batches().map((batch) => batch.length)).toEqual([600, 600]);
  });

  it('that no call could carry is refused', async () => {
    const batch = device.db.batch((tx) => {
      for (let i = 0; i < 1_001; i += 1) tx.note.insert({ id: `row-${i}`, team: 'red' });
    });
    await expect(batch).rejects.toMatchObject({ code: 'too_large' });
  });
});

describe('a dead letter', () => {
  beforeEach(async () => {
    await device.db.note.insert({ id: 'a', team: 'red', n: -1 });
    await device.settle();
  });

  it('can be sent again, as a new mutation', async () => {
    const { db } = device;
    const [again] = await db.outbox.retry(1);
    expect(again?.seq).toBe(2);
    expect(await db.note.get('a')).toMatchObject({ n: -1 });
    await device.settle();
    expect(await again?.synced).toMatchObject({ status: 'rejected' });
    expect((await db.outbox.list()).map(({ seq }) => seq)).toEqual([2]);
  });

  it('can be forgotten', async () => {
    expect(await device.db.outbox.discard(1)).toEqual([1]);
    expect(await device.db.outbox.list()).toEqual([]);
    expect(device.db.status.get().rejected).toBe(0);
    await expect(device.db.outbox.discard(1)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('takes its declared dependents with it, and is sent again with its group', async () => {
    const { db } = device;
    const parent = await db.note.insert({ id: 'parent', team: 'red', n: -1 });
    const child = await db.note.insert({ id: 'child', team: 'red' }, { after: [parent] });
    const other = await db.note.insert({ id: 'other', team: 'red' });
    await device.settle();
    expect(await child.synced).toMatchObject({ status: 'rejected', error: { code: 'PT424' } });
    expect(await other.synced).toEqual({ status: 'applied' });

    const pair = await db.batch((tx) => {
      tx.note.insert({ id: 'p', team: 'red', n: -1 });
      tx.note.insert({ id: 'q', team: 'red' });
    });
    await device.settle();
    const again = await db.outbox.retry(pair[1]?.seq ?? 0);
    expect(again.map(({ key }) => key.id)).toEqual(['p', 'q']);
    const groups = (await db.outbox.list())
      .filter(({ state }) => state === 'queued')
      .map(({ group }) => group);
    expect(groups[0]).not.toBeNull();
    expect(groups[0]).toBe(groups[1]);
  });

  it('is exported with everything needed to make it good by hand', async () => {
    const exported = JSON.parse(await device.db.outbox.export()) as unknown[];
    expect(exported).toMatchObject([
      { seq: 1, op: 'insert', table: 'public.note', key: { id: 'a' }, patch: { team: 'red', n: -1 } },
    ]);
    expect(exported).toMatchObject([{ state: 'rejected', error: { code: '23514' } }]);
  });
});

describe('giving up', () => {
  it('an unsent insert takes back what was built on it, and leaves no gap in the numbering', async () => {
    const { db } = device;
    const insert = await db.note.insert({ id: 'a', team: 'red' });
    const edit = await db.note.update('a', { n: 1 });
    const other = await db.note.insert({ id: 'b', team: 'red' });
    const after = await db.note.update('b', { n: 2 }, { after: [insert] });

    expect(await db.outbox.discard(insert.seq ?? 0)).toEqual([insert.seq, edit.seq, after.seq]);
    expect(await insert.synced).toEqual({ status: 'discarded' });
    expect([...(await device.rows()).keys()]).toEqual(['b']);
    expect(await db.outbox.list()).toHaveLength(1);

    await device.settle();
    expect(await other.synced).toEqual({ status: 'applied' });
    expect([...world.server.visible('ann').values()]).toEqual([{ id: 'b', team: 'red' }]);
    expect(batches()[0]).toHaveLength(4);
  });

  it('an unsent insert leaves alone a row that somebody else made under its key', async () => {
    const insert = await device.db.note.insert({ id: 'a', team: 'red', title: 'mine' });
    world.server.write('a', { team: 'red', title: 'theirs' });
    await device.db.outbox.discard(insert.seq ?? 0);
    await device.settle();
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'theirs' });
    expect(await device.db.note.get('a')).toMatchObject({ title: 'theirs' });
    expect(await device.db.outbox.list()).toEqual([]);
  });

  it('an unsent delete takes back the insert that came after it', async () => {
    world.server.write('a', { team: 'red', title: 'server' });
    await device.settle();
    const gone = await device.db.note.delete('a');
    const anew = await device.db.note.insert({ id: 'a', team: 'red', title: 'anew' });
    expect(await device.db.outbox.discard(gone.seq ?? 0)).toEqual([gone.seq, anew.seq]);
    await device.settle();
    expect(await device.db.note.get('a')).toMatchObject({ title: 'server' });
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'server' });
  });

  it('an unsent update shows the row as it was', async () => {
    world.server.write('a', { team: 'red', title: 'server' });
    await device.settle();
    const update = await device.db.note.update('a', { title: 'mine' });
    await device.db.outbox.discard(update.seq ?? 0);
    expect(await device.db.note.get('a')).toMatchObject({ title: 'server' });
    await device.settle();
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'server' });
    // Made without knowing of a deletion, even an empty update would bring the row back.
    const base = '9223372036854775807';
    expect(batches().flat()).toMatchObject([{ seq: '1', op: 'update', base, patch: {} }]);
  });

  it('what may have reached the server is refused', async () => {
    const write = await device.db.note.insert({ id: 'a', team: 'red' });
    device.transport.plan('lose_answer', 'push');
    await device.sync();
    expect(write.state).toBe('sent');
    await expect(device.db.outbox.discard(1)).rejects.toMatchObject({ code: 'in_flight' });

    await device.crash('power');
    await expect(device.db.outbox.discard(1)).rejects.toMatchObject({ code: 'in_flight' });
    await device.settle();
    expect(world.server.visible('ann').size).toBe(1);
  });
});
