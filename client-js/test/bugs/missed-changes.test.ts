/** Changes that other offline clients missed, overwrote or let flicker. Each test is named after the failure. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../src/testing/index.ts';
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

/** Every title that a user could have seen, in order, while `play` went on. */
async function shownTitles(play: () => Promise<void>): Promise<(string | null | undefined)[]> {
  const shown: (string | null | undefined)[] = [];
  const stop = device.db.note.where({ id: 'a' }).subscribe((rows) => shown.push(rows[0]?.title));
  await settle();
  await play();
  await settle();
  stop();
  return shown;
}

describe('flicker', () => {
  it('between the server’s acknowledgement and the pull', async () => {
    world.server.write('a', { team: 'red', title: 'old' });
    await device.settle();
    const shown = await shownTitles(async () => {
      await device.db.note.update('a', { title: 'mine' });
      await device.settle();
      await device.settle();
    });
    expect(shown).toEqual(['old', 'mine']);
  });

  it('of a new row, when the acknowledgement was lost', async () => {
    const shown = await shownTitles(async () => {
      await device.db.note.insert({ id: 'a', team: 'red', title: 'mine' });
      device.transport.plan('lose_answer', 'push');
      await device.sync();
      device.transport.plan('lose_request', 'pull');
      await device.sync();
      await device.settle();
    });
    expect(shown).toEqual([undefined, 'mine']);
  });

  it('of a value that lost against another one: it changes once', async () => {
    world.server.write('a', { team: 'red', title: 'old' });
    await device.settle();
    const shown = await shownTitles(async () => {
      await device.db.note.update('a', { title: 'mine' });
      await settle();
      await world.clock.advance(60_000);
      world.server.write('a', { title: 'theirs' });
      await device.settle();
    });
    expect(shown).toEqual(['old', 'mine', 'theirs']);
  });

  it('of a later edit, when an earlier one of the same row is acknowledged', async () => {
    world.server.write('a', { team: 'red', title: 'old' });
    await device.settle();
    const shown = await shownTitles(async () => {
      await device.db.note.update('a', { title: 'first' });
      await settle();
      const inner = device.transport.call;
      device.transport.call = async (fn, args, signal) => {
        // The user goes on typing while the first edit is on its way.
        if (fn === 'push') {
          device.transport.call = inner;
          await device.db.note.update('a', { title: 'second' });
        }
        return inner(fn, args, signal);
      };
      await device.settle();
    });
    expect(shown).toEqual(['old', 'first', 'second']);
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'second' });
  });
});

describe('overwritten', () => {
  it('a pending change, by a refetch at reconnection', async () => {
    world.server.write('a', { team: 'red', title: 'old', n: 1 });
    await device.settle();
    device.transport.setConditions({ offline: true });
    await device.db.note.update('a', { title: 'mine' });
    world.server.write('a', { n: 2 });
    await device.sync();
    device.transport.setConditions({});
    await device.settle();
    expect(await device.db.note.get('a')).toMatchObject({ title: 'mine', n: 2 });
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'mine', n: 2 });
  });

  it('a newer row, by a page of a pull that was begun before', async () => {
    world.server.pageSize = 1;
    world.server.write('b', { team: 'red', n: 1 });
    world.server.write('a', { team: 'red', title: 'old' });
    device.transport.plan('none', 'pull');
    device.transport.plan('lose_request', 'pull');
    await device.sync();
    await device.db.note.upsert({ id: 'a', team: 'red', title: 'mine' });
    const shown = await shownTitles(() => device.settle());
    expect(shown).toEqual(['mine']);
    expect(world.server.visible('ann').get('a')).toMatchObject({ title: 'mine' });
  });
});

describe('missed', () => {
  it('the loss of a scope whose rows came only with the verdicts of pushes', async () => {
    await device.settle();
    world.server.join('ann', 'blue');
    await device.db.note.insert({ id: 'a', team: 'blue', title: 'mine' });
    device.transport.plan('lose_request', 'pull');
    await device.sync();
    world.server.leave('ann', 'blue');
    await device.settle();
    expect(await device.db.note.get('a')).toBeUndefined();
  });

  it('nothing of a scope that a pull covers by now, whose rows came with the verdicts of pushes', async () => {
    await device.settle();
    world.server.join('ann', 'blue');
    await device.db.note.insert({ id: 'a', team: 'blue', title: 'mine' });
    await device.settle();
    expect(await device.db.note.get('a')).toMatchObject({ title: 'mine' });
  });

  it('what happened while an interrupted pull was waiting to go on', async () => {
    world.server.pageSize = 1;
    for (const id of ['a', 'b', 'c']) world.server.write(id, { team: 'red', title: 'old' });
    device.transport.plan('none', 'pull');
    device.transport.plan('lose_request', 'pull');
    await device.sync();
    await device.db.note.upsert({ id: 'b', team: 'red', likes: 3 });
    device.transport.plan('lose_answer', 'push');
    await device.sync();
    await device.settle();
    expect(await device.rows()).toEqual(world.server.visible('ann'));
  });

  it('the rows of a table that a new version of the app declares', async () => {
    world.server.write('a', { team: 'red', title: 'old' });
    await device.settle();
    const storage = await device.storage.open('pos:default:ann:v1');
    const sync = await storage.get('meta', ['sync']);
    const others = { ...(sync as object), tables: ['public.other'] };
    await storage.commit([{ type: 'put', store: 'meta', key: ['sync'], value: others as never }], 'strict');
    await device.crash();
    await device.settle();
    const cursors = device.transport.calls
      .filter(({ fn }) => fn === 'pull')
      .map(({ args }) => (args.p_request as { cursor: unknown }).cursor);
    expect(cursors.at(-1)).toBeNull();
    expect((await device.rows()).size).toBe(1);
  });

  it('live queries that stood still after the first big sync', async () => {
    const sizes: number[] = [];
    const stop = device.db.note.all().subscribe((rows) => sizes.push(rows.length));
    for (let i = 0; i < 500; i += 1) world.server.write(`row-${i}`, { team: 'red', n: i });
    await device.settle();
    await settle();
    world.server.write('one more', { team: 'red' });
    await device.settle();
    await settle();
    stop();
    expect(sizes).toEqual([0, 500, 501]);
  });
});

describe('deletes', () => {
  it('of a row that the server never had, which failed for ever', async () => {
    await device.db.note.insert({ id: 'a', team: 'red' });
    const gone = await device.db.note.delete('a');
    const unknown = await device.db.note.delete('never there');
    await device.settle();
    expect(await gone.synced).toEqual({ status: 'applied' });
    expect(await unknown.synced).toEqual({ status: 'applied' });
    expect((await device.rows()).size).toBe(0);
  });

  it('by others that emptied the table', async () => {
    for (const id of ['a', 'b', 'c']) world.server.write(id, { team: 'red' });
    await device.settle();
    world.server.write('b', null);
    await device.settle();
    expect([...(await device.rows()).keys()]).toEqual(['a', 'c']);
  });

  it('of a row that somebody edits meanwhile end the same on both devices', async () => {
    const other = await world.device();
    world.server.write('a', { team: 'red', title: 'old' });
    await device.settle();
    await other.settle();
    await device.db.note.delete('a');
    await other.db.note.update('a', { title: 'edited' });
    await device.settle();
    await other.settle();
    await device.settle();
    expect(await device.rows()).toEqual(await other.rows());
    expect(await device.rows()).toEqual(world.server.visible('ann'));
  });
});
