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

describe('sending', () => {
  it('keeps within a thousand mutations a call', async () => {
    await Promise.all(
      Array.from({ length: 2_500 }, (_, i) => device.db.note.insert({ id: `row-${i}`, team: 'red' })),
    );
    await device.settle();
    expect(batches().map((batch) => batch.length)).toEqual([1_000, 1_000, 500]);
    expect(batches()[1]?.[0]?.seq).toBe('1001');
  });

  it('keeps within the bytes of a call', async () => {
    const title = 'ü'.repeat(100_000);
    for (let i = 0; i < 6; i += 1) await device.db.note.insert({ id: `row-${i}`, team: 'red', title });
    await device.settle();
    expect(batches().map((batch) => batch.length)).toEqual([4, 2]);
  });

  it('halves what times out, and grows again', async () => {
    for (let i = 0; i < 8; i += 1) await device.db.note.insert({ id: `row-${i}`, team: 'red' });
    device.transport.plan({ fail: { status: 500, code: '57014' } }, 'push');
    device.transport.plan({ fail: { status: 504, code: '' } }, 'push');
    await device.settle();
    expect(batches().map((batch) => batch.length)).toEqual([8, 4, 2, 4, 2]);
    expect(world.server.visible('ann').size).toBe(8);
  });

  it('finds the one mutation that the server cannot read, and sends all others', async () => {
    for (let i = 0; i < 5; i += 1) await device.db.note.insert({ id: `row-${i}`, team: 'red', n: i });
    const inner = device.transport.call;
    device.transport.call = async (fn, args, signal) =>
      fn === 'push' && String(args.p_batch).includes('"n":3')
        ? { ok: false, status: 400, code: '22023', message: 'unreadable', details: null, hint: null }
        : inner(fn, args, signal);

    await device.settle();

    expect(await device.db.outbox.list()).toMatchObject([
      { seq: 4, state: 'rejected', error: { code: '22023' } },
    ]);
    expect([...world.server.visible('ann').keys()]).toEqual(['row-0', 'row-1', 'row-2', 'row-4']);
  });

  it('gives up one mutation that is too large for this server, and keeps it as rejected', async () => {
    await device.db.note.insert({ id: 'big', team: 'red', title: 'too large' });
    await device.db.note.insert({ id: 'small', team: 'red', n: 1 });
    const inner = device.transport.call;
    device.transport.call = async (fn, args, signal) =>
      fn === 'push' && String(args.p_batch).includes('too large')
        ? { ok: false, status: 413, code: 'PT413', message: '', details: '10', hint: null }
        : inner(fn, args, signal);

    await device.settle();

    expect(await device.db.outbox.list()).toMatchObject([
      { seq: 1, state: 'rejected', error: { code: 'PT413' } },
    ]);
    expect([...world.server.visible('ann').keys()]).toEqual(['small']);
  });

  it('tells the server again about a device that it has forgotten', async () => {
    await device.db.note.insert({ id: 'a', team: 'red' });
    await device.settle();
    world.server.devices.clear();
    await device.db.note.insert({ id: 'b', team: 'red' });
    await device.settle();
    expect(world.server.visible('ann').has('b')).toBe(true);
  });
});
