import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeWorld, type World } from './support/world.ts';

let world: World;

beforeEach(() => {
  world = makeWorld();
});

afterEach(async () => {
  await world.close();
});

describe('pull', () => {
  it('takes as many pages as there are', async () => {
    world.server.pageSize = 3;
    for (let i = 0; i < 10; i += 1) world.server.write(`row-${i}`, { team: 'red', n: i });
    const device = await world.device();

    await device.sync();

    expect((await device.rows()).size).toBe(10);
  });

  it('goes on behind the last page when it was interrupted', async () => {
    world.server.pageSize = 3;
    for (let i = 0; i < 10; i += 1) world.server.write(`row-${i}`, { team: 'red', n: i });
    const device = await world.device();
    device.transport.plan('none', 'pull');
    device.transport.plan('lose_request', 'pull');
    await device.sync();
    expect((await device.rows()).size).toBe(3);
    world.server.write('row-0', { n: 100 });

    await device.crash();
    await device.settle();
    await device.settle();

    expect(await device.rows()).toEqual(world.server.visible('ann'));
    const pulls = device.transport.calls.filter(({ fn }) => fn === 'pull');
    expect(pulls.filter(({ args }) => (args.p_request as { cursor: unknown }).cursor === null)).toHaveLength(
      1,
    );
  });

  it('drops the rows of a team that the user has left, and brings those of a new one', async () => {
    world.server.write('r', { team: 'red', n: 1 });
    world.server.write('b', { team: 'blue', n: 1 });
    const device = await world.device();
    await device.settle();
    expect([...(await device.rows()).keys()]).toEqual(['r']);

    world.server.leave('ann', 'red');
    world.server.join('ann', 'blue');
    await device.settle();

    expect([...(await device.rows()).keys()]).toEqual(['b']);
  });

  it('drops own rows of a team that the user has left', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'mine', team: 'red' });
    await device.settle();

    world.server.leave('ann', 'red');
    await device.settle();

    expect((await device.rows()).size).toBe(0);
  });

  it('drops a row that was handed to a team the user is not in', async () => {
    world.server.write('r', { team: 'red', n: 1 });
    const device = await world.device();
    await device.settle();

    world.server.write('r', { team: 'blue' });
    await device.settle();

    expect((await device.rows()).size).toBe(0);
  });

  it('does not bring back rows that this device itself wrote last', async () => {
    const device = await world.device();
    await device.settle();
    await device.db.note.insert({ id: 'mine', team: 'red' });

    await device.sync();

    const last = device.transport.calls.filter(({ fn }) => fn === 'pull').at(-1);
    expect(last?.answer).toMatchObject({ ok: true, data: { changes: [] } });
    expect((await device.rows()).size).toBe(1);
  });

  it('starts over on a new epoch: what is gone goes, what waits is kept', async () => {
    const device = await world.device();
    world.server.write('stays', { team: 'red', n: 1 });
    world.server.write('lost by the restore', { team: 'red', n: 1 });
    await device.db.note.insert({ id: 'mine', team: 'red' });
    await device.settle();
    world.server.epoch = 'epoch-2';
    world.server.rows.delete('lost by the restore');
    await device.db.note.insert({ id: 'waiting', team: 'red' });

    await device.settle();

    expect([...(await device.rows()).keys()].sort()).toEqual(['mine', 'stays', 'waiting']);
    expect(await device.rows()).toEqual(world.server.visible('ann'));
  });

  it('starts over when the server does not accept the cursor', async () => {
    const device = await world.device();
    world.server.write('a', { team: 'red', n: 1 });
    await device.settle();
    device.transport.plan({ fail: { status: 400, code: '22023' } }, 'pull');

    await device.settle();

    expect(await device.rows()).toEqual(world.server.visible('ann'));
  });

  it('asks for less when a page is too much', async () => {
    const device = await world.device();
    world.server.write('a', { team: 'red', n: 1 });
    device.transport.plan({ fail: { status: 500, code: '57014' } }, 'pull');

    await device.settle();

    const limits = device.transport.calls
      .filter(({ fn }) => fn === 'pull')
      .map(({ args }) => (args.p_request as { limit: number }).limit);
    expect(limits).toEqual([1_000, 500]);
  });
});

describe('numbering', () => {
  it('that the server has lost is mended from what waits here', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    await device.settle();
    for (const known of world.server.devices.values()) known.acked = 0;
    const write = await device.db.note.insert({ id: 'b', team: 'red' });
    expect(write.seq).toBe(2);

    await device.settle();

    expect(await write.synced).toEqual({ status: 'applied' });
    expect(write.seq).toBe(1);
    expect(world.server.visible('ann').has('b')).toBe(true);
  });

  it('that this device has lost does not pass new work for repetitions', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    await device.db.note.insert({ id: 'b', team: 'red' });
    await device.settle();
    // The profile is restored from before these were written: the same identity, an empty outbox, numbers from 1.
    const restored = await world.device();
    const [deviceId] = world.server.devices.keys();
    await restored.db.close();
    const storage = await restored.storage.open('pos:default:ann:v1');
    await storage.commit(
      [{ type: 'put', store: 'meta', key: ['device'], value: { deviceId: deviceId ?? '', userId: 'ann' } }],
      'strict',
    );
    await restored.crash();
    const write = await restored.db.note.insert({ id: 'c', team: 'red' });
    expect(write.seq).toBe(1);

    await restored.settle();

    expect(await write.synced).toEqual({ status: 'applied' });
    expect([...world.server.visible('ann').keys()].sort()).toEqual(['a', 'b', 'c']);
    expect((await restored.rows()).size).toBe(3);
  });
});
