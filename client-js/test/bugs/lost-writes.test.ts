/** Writes that other offline clients lost, doubled or hid. Each test is named after the failure. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Device, makeWorld, type World } from '../support/world.ts';

let world: World;
let device: Device;

beforeEach(async () => {
  world = makeWorld();
  device = await world.device();
});

afterEach(async () => {
  await world.close();
});

function titles(): unknown[] {
  return [...world.server.visible('ann').values()].map(({ title }) => title);
}

describe('lost', () => {
  it('the first offline write, once retries were used up and another one synced', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'first' });
    for (let attempt = 0; attempt < 50; attempt += 1) {
      device.transport.plan('lose_request');
      await device.sync();
    }
    await device.db.note.insert({ id: 'b', team: 'red', title: 'second' });
    await device.settle();
    expect(titles()).toEqual(['first', 'second']);
  });

  it('a write made right before the page was closed', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'unsent' });
    await device.crash('power');
    expect(await device.db.note.get('a')).toMatchObject({ title: 'unsent' });
    await device.settle();
    expect(titles()).toEqual(['unsent']);
  });

  it('the changed columns of an update, which was sent empty after a restart', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'old' });
    await device.settle();
    await device.db.note.update('a', { title: 'new' });
    await device.crash();
    await device.settle();
    expect(titles()).toEqual(['new']);
  });

  it('a write that was taken off the queue before it was answered', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'kept' });
    device.transport.plan('lose_request', 'push');
    await device.sync();
    expect(await device.db.outbox.list()).toMatchObject([{ seq: 1, state: 'sent' }]);
    await device.crash('power');
    await device.settle();
    expect(titles()).toEqual(['kept']);
  });

  it('queued writes, when the access token was renewed', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'before the renewal' });
    device.auth.signIn('ann', 'TOKEN_REFRESHED');
    await device.settle();
    expect(titles()).toEqual(['before the renewal']);
  });
});

describe('done twice', () => {
  it('a write that was under way when the page was reloaded', async () => {
    world.server.write('a', { team: 'red', likes: 0 });
    await device.settle();
    await device.db.note.update('a', (row) => ({ likes: (row.likes ?? 0) + 1 }));
    device.transport.plan('lose_answer', 'push');
    await device.sync();
    await device.crash();
    await device.settle();
    expect(world.server.visible('ann').get('a')).toMatchObject({ likes: 1 });
    expect(await device.db.note.get('a')).toMatchObject({ likes: 1 });
  });

  it('a call that the network delivered twice', async () => {
    world.server.write('a', { team: 'red', likes: 0 });
    await device.settle();
    const write = await device.db.note.update('a', { likes: 1 });
    device.transport.plan('duplicate', 'push');
    await device.settle();
    expect(world.server.visible('ann').get('a')).toMatchObject({ likes: 1 });
    expect(await write.synced).toEqual({ status: 'applied' });
  });
});

describe('blocked', () => {
  it('everything behind one bad write', async () => {
    const bad = await device.db.note.insert({ id: 'bad', team: 'red', n: -1 });
    const good = await device.db.note.insert({ id: 'good', team: 'red', title: 'good' });
    await device.settle();
    expect(await bad.synced).toMatchObject({ status: 'rejected' });
    expect(await good.synced).toEqual({ status: 'applied' });
  });

  it('the queue after one failed upload, until the next local write', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'alone' });
    device.transport.plan({ fail: { status: 503, code: 'PGRST000' } });
    await device.sync();
    expect(device.db.status.get()).toMatchObject({ phase: 'paused', paused: 'server' });
    expect(device.db.status.get().nextRetryAt).toBeGreaterThanOrEqual(device.clock.now());

    await device.clock.advance(5 * 60_000);
    expect(titles()).toEqual(['alone']);
    expect(device.db.status.get()).toMatchObject({ phase: 'idle', nextRetryAt: null, pending: 0 });
  });

  it('the retry timer, when the first retries failed as well', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'patient' });
    for (let i = 0; i < 6; i += 1) device.transport.plan('lose_request');
    await device.sync();
    await device.clock.advance(30 * 60_000);
    expect(titles()).toEqual(['patient']);
  });
});

describe('hidden', () => {
  it('a rejection inside an answer with status 200', async () => {
    const write = await device.db.note.insert({ id: 'a', team: 'red', n: -1 });
    expect(await device.sync()).toEqual({ status: 'synced' });
    expect(await write.synced).toMatchObject({ status: 'rejected' });
    expect(await device.db.outbox.list()).toHaveLength(1);
  });

  it('a refused write that could not be removed and was counted as pending for ever', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', n: -1 });
    await device.settle();
    expect(device.db.status.get()).toMatchObject({ pending: 0, rejected: 1 });
    await device.db.outbox.discard(1);
    expect(device.db.status.get()).toMatchObject({ pending: 0, rejected: 0 });
  });

  it('the verdict on a write whose answer was lost', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', n: -1 });
    device.transport.plan('lose_answer', 'push');
    await device.sync();
    await device.crash();
    await device.settle();
    expect(await device.db.outbox.list()).toMatchObject([{ state: 'rejected', error: { code: '23514' } }]);
  });

  it('the verdict on a deferred write, when the answer that carried it was lost', async () => {
    world.server.deferN = 5;
    const write = await device.db.note.insert({ id: 'a', team: 'red', n: 5 });
    await device.sync();
    world.server.deferN = null;
    device.transport.plan('lose_answer', 'push');
    await device.sync();
    await device.settle();
    expect(await write.synced).toEqual({ status: 'applied' });
  });
});

describe('never answered', () => {
  it('a write that waited for the server while the device was offline', async () => {
    device.transport.setConditions({ offline: true });
    const write = await device.db.note.insert({ id: 'a', team: 'red', title: 'offline' });
    expect(write.state).toBe('queued');
    expect(await device.db.note.get('a')).toMatchObject({ title: 'offline' });
  });

  it('a verdict that nobody waited for, as an unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const write = await device.db.note.insert({ id: 'a', team: 'red' });
    await device.db.close();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
    await expect(write.synced).rejects.toMatchObject({ code: 'closed' });
  });
});
