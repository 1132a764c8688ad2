import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../src/testing/index.ts';
import { type Device, makeWorld, type World } from './support/world.ts';

let world: World;

beforeEach(() => {
  world = makeWorld();
});

afterEach(async () => {
  await world.close();
});

function pulls(device: Device): number {
  return device.transport.calls.filter(({ fn }) => fn === 'pull').length;
}

describe('wake-ups', () => {
  it('are listened for on the topics that the server names, after a restart as well', async () => {
    const device = await world.device({ realtime: true });
    await device.settle();
    expect([...device.channels.joined.keys()]).toEqual(['offline:user:ann', 'offline:team:red']);
    expect(device.db.status.get().realtime).toBe('joining');
    await device.crash();
    await settle();
    expect([...device.channels.joined.keys()]).toEqual(['offline:user:ann', 'offline:team:red']);

    for (const { state } of device.channels.joined.values()) state('SUBSCRIBED');
    expect(device.db.status.get().realtime).toBe('joined');
  });

  it('follow the memberships', async () => {
    const device = await world.device({ realtime: true });
    await device.settle();
    world.server.leave('ann', 'red');
    world.server.join('ann', 'blue');
    await device.settle();
    expect([...device.channels.joined.keys()]).toEqual(['offline:user:ann', 'offline:team:blue']);
  });

  it('bring one pull for many messages', async () => {
    const device = await world.device({ realtime: true });
    await device.settle();
    world.server.write('a', { team: 'red', n: 1 });
    const before = pulls(device);
    const { wake } = device.channels.joined.get('offline:team:red') ?? { wake: () => undefined };
    for (let i = 0; i < 10; i += 1) wake();
    await device.clock.advance(100);

    expect(pulls(device)).toBe(before + 1);
    expect((await device.rows()).size).toBe(1);
  });

  it('that were missed are made up for by a pull at each join', async () => {
    const device = await world.device({ realtime: true });
    await device.settle();
    world.server.write('a', { team: 'red', n: 1 });
    device.channels.joined.get('offline:team:red')?.state('SUBSCRIBED');
    await device.clock.advance(10);
    expect((await device.rows()).size).toBe(1);

    device.channels.joined.get('offline:team:red')?.state('CHANNEL_ERROR');
    expect(device.db.status.get().realtime).toBe('joining');
    world.server.write('b', { team: 'red', n: 1 });
    device.channels.joined.get('offline:team:red')?.state('SUBSCRIBED');
    await device.clock.advance(10);
    expect((await device.rows()).size).toBe(2);
  });

  it('are not needed: the timer, focus and the network coming back do without', async () => {
    const device = await world.device();
    await device.settle();
    world.server.write('a', { team: 'red', n: 1 });
    await device.clock.advance(6 * 60_000);
    expect((await device.rows()).size).toBe(1);

    world.server.write('b', { team: 'red', n: 1 });
    device.network.emit('focus');
    await device.clock.advance(10);
    expect((await device.rows()).size).toBe(2);

    world.server.write('c', { team: 'red', n: 1 });
    device.network.emit('offline');
    device.network.emit('online');
    await device.clock.advance(10);
    expect((await device.rows()).size).toBe(3);
  });

  it('stop when the client is closed', async () => {
    const device = await world.device({ realtime: true });
    await device.settle();
    await device.db.close();
    expect(device.channels.joined.size).toBe(0);
  });
});
