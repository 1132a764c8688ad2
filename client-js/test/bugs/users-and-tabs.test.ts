/** What other offline clients did wrong about sessions, users and tabs. Each test is named after the failure. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryStorage, settle } from '../../src/testing/index.ts';
import { type Device, makeWorld, type World } from '../support/world.ts';

let world: World;

beforeEach(() => {
  world = makeWorld();
});

afterEach(async () => {
  await world.close();
});

function pushes(device: Device): number {
  return device.transport.calls.filter(({ fn }) => fn === 'push').length;
}

describe('sessions', () => {
  it('an expired one made the client send the user’s work as anon, and throw it away', async () => {
    const device = await world.device();
    const write = await device.db.note.insert({ id: 'a', team: 'red' });
    device.auth.expire();
    expect(await device.sync()).toMatchObject({ status: 'paused', reason: 'auth' });
    expect(pushes(device)).toBe(0);
    expect(device.db.status.get()).toMatchObject({ paused: 'auth', pending: 1 });

    device.auth.signIn('ann');
    await device.clock.advance(100);
    expect(await write.synced).toEqual({ status: 'applied' });
  });

  it('an expiry noticed only by the server rejected what was queued', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    device.transport.plan({ fail: { status: 401, code: 'PGRST303' } }, 'push');
    expect(await device.sync()).toMatchObject({ status: 'paused', reason: 'auth' });
    expect(await device.db.outbox.list()).toMatchObject([{ state: 'sent' }]);
    await device.settle();
    expect(world.server.visible('ann').size).toBe(1);
  });

  it('a refresh that hung offline blocked the start of the app', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red', title: 'mine' });
    device.auth.api.getSession = () => new Promise(() => undefined);
    await device.crash();
    expect(await device.db.note.get('a')).toMatchObject({ title: 'mine' });

    const syncing = device.sync();
    await device.clock.advance(60_000);
    expect(await syncing).toMatchObject({ status: 'paused', reason: 'offline' });
  });

  it('a missing one at a cold start was taken for a sign-out, and the data cleared', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red', title: 'mine' });
    await device.settle();
    device.auth.expire();
    await device.crash();
    await settle();
    expect(await device.db.note.get('a')).toMatchObject({ title: 'mine' });
    expect(device.db.status.get()).toMatchObject({ userId: 'ann' });
  });

  it('another user’s sent the first user’s work under the wrong name', async () => {
    world.server.join('bob', 'blue');
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red', title: 'Ann’s' });
    device.auth.session = { user: { id: 'bob' } };
    expect(await device.sync()).toMatchObject({ status: 'paused', reason: 'auth' });
    expect(pushes(device)).toBe(0);
  });
});

describe('users', () => {
  it('who follow each other on one device saw each other’s rows', async () => {
    world.server.join('bob', 'blue');
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red', title: 'Ann’s' });
    const sizes: number[] = [];
    const stop = device.db.note.all().subscribe((rows) => sizes.push(rows.length));
    await settle();

    device.auth.signIn('bob');
    await settle();
    expect(device.db.status.get()).toMatchObject({ userId: 'bob', pending: 0 });
    expect(await device.db.note.all().get()).toEqual([]);
    expect(sizes).toEqual([1, 0]);

    device.auth.signIn('ann');
    await settle();
    await device.settle();
    stop();
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'Ann’s' });
  });

  it('could not write right after signing in', async () => {
    const device = await world.device();
    await device.db.signOut();
    device.auth.signIn('ann');
    const write = await device.db.note.insert({ id: 'a', team: 'red' });
    expect(write.seq).toBe(1);
  });

  it('who were not known yet lost what they wrote: it is refused instead', async () => {
    const device = await world.device();
    await device.db.signOut();
    await expect(device.db.note.insert({ id: 'a', team: 'red' })).rejects.toMatchObject({ code: 'no_user' });
    expect(await device.db.note.all().get()).toEqual([]);
    expect(await device.sync()).toMatchObject({ status: 'paused', reason: 'auth' });
  });
});

describe('sign-out', () => {
  it('lost unsynced work without asking', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    await expect(device.db.signOut()).rejects.toMatchObject({ code: 'unsynced_work' });
    expect(await device.db.note.get('a')).toBeDefined();

    device.transport.plan('lose_request');
    await expect(device.db.signOut({ unsynced: 'push' })).rejects.toMatchObject({ code: 'unsynced_work' });
    await device.db.signOut({ unsynced: 'push' });
    expect(world.server.visible('ann').size).toBe(1);
    expect(device.db.status.get().userId).toBeNull();
  });

  it('left the data behind', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    await device.db.signOut({ unsynced: 'discard' });
    const storage = await device.storage.open('pos:default:ann:v1');
    expect(await storage.scan('rows', [])).toEqual([]);
    expect(await storage.scan('outbox', [])).toEqual([]);
    expect(await storage.get('meta', ['device'])).toBeUndefined();
  });

  it('could not keep the data for the next time', async () => {
    const device = await world.device();
    await device.db.note.insert({ id: 'a', team: 'red' });
    await device.db.signOut({ unsynced: 'keep' });
    expect(await device.db.note.all().get()).toEqual([]);
    device.auth.signIn('ann');
    await settle();
    expect(await device.db.outbox.list()).toHaveLength(1);
    await device.settle();
    expect(world.server.visible('ann').size).toBe(1);
  });
});

describe('tabs', () => {
  it('that write at the same time overwrote each other’s queue', async () => {
    const storage = memoryStorage();
    const [one, two] = [await world.device({ storage }), await world.device({ storage })];
    const first = await one.db.note.insert({ id: 'a', team: 'red' });
    const second = await two.db.note.insert({ id: 'b', team: 'red' });
    const third = await one.db.note.insert({ id: 'c', team: 'red' });
    expect([first.seq, second.seq, third.seq]).toEqual([1, 2, 3]);

    await one.settle();
    expect([...world.server.visible('ann').keys()]).toEqual(['a', 'b', 'c']);
  });

  it('other than the leading one could not sync, or waited for ever for its verdicts', async () => {
    const storage = memoryStorage();
    const [one, two] = [await world.device({ storage }), await world.device({ storage })];
    const write = await two.db.note.insert({ id: 'a', team: 'red' });
    await one.settle();
    await two.settle();
    expect(await write.synced).toEqual({ status: 'applied' });
    expect(pushes(two)).toBe(0);
    expect((await two.rows()).size).toBe(1);

    await one.db.close();
    await two.db.note.insert({ id: 'b', team: 'red' });
    await two.settle();
    expect(world.server.visible('ann').size).toBe(2);
  });
});

describe('the user’s pause', () => {
  it('holds until the user ends it, whatever else happens', async () => {
    const device = await world.device();
    device.db.pause();
    await device.db.note.insert({ id: 'a', team: 'red' });
    device.network.emit('online');
    device.auth.signIn('ann', 'TOKEN_REFRESHED');
    await device.clock.advance(60 * 60_000);
    expect(pushes(device)).toBe(0);
    expect(device.db.status.get()).toMatchObject({ phase: 'paused', paused: 'user', pending: 1 });
    expect(await device.sync()).toMatchObject({ status: 'paused', reason: 'user' });

    await device.crash();
    device.db.pause();
    device.auth.signIn('bob');
    device.auth.signIn('ann');
    await device.clock.advance(60 * 60_000);
    expect(device.db.status.get()).toMatchObject({ phase: 'paused', paused: 'user', pending: 1 });

    device.db.resume();
    await device.clock.advance(100);
    expect(device.db.status.get()).toMatchObject({ phase: 'idle', pending: 0 });
  });
});

describe('a device that says it is offline', () => {
  it('is believed: nothing is tried until it says otherwise', async () => {
    const device = await world.device();
    await device.settle();
    const before = device.transport.calls.length;
    device.network.emit('offline');
    const write = await device.db.note.insert({ id: 'a', team: 'red' });
    expect(await device.sync()).toMatchObject({ status: 'paused', reason: 'offline' });
    await device.clock.advance(10 * 60_000);
    expect(device.transport.calls.length).toBe(before);

    device.network.emit('online');
    await device.clock.advance(100);
    expect(await write.synced).toEqual({ status: 'applied' });
  });
});
