/** Answers that a correct server may give and that the reference server does not. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { RpcAnswer } from '../src/net/transport.ts';
import type { JsonRow } from '../src/types.ts';
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

type Results = readonly JsonRow[];

/** Changes the results of pushes on their way. */
function rewriteResults(change: (results: Results) => Results): void {
  const inner = device.transport.call;
  device.transport.call = async (fn, args, signal): Promise<RpcAnswer> => {
    const answer = await inner(fn, args, signal);
    if (fn !== 'push' || !answer.ok) return answer;
    const data = answer.data as { results: Results };
    return { ok: true, data: { ...data, results: change(data.results) } };
  };
}

it('verdicts on one row build on each other in the order of its versions', async () => {
  rewriteResults((results) => [...results].reverse());
  await device.db.note.insert({ id: 'a', team: 'red', title: 'one', n: 1 });
  await device.db.note.update('a', { title: 'two' });
  await device.db.note.update('a', { title: 'three' });
  await device.settle();

  expect(await device.db.note.get('a')).toEqual({ id: 'a', team: 'red', title: 'three', n: 1 });
  expect(await device.rows()).toEqual(world.server.visible('ann'));
});

it('verdicts without a version leave those with one in order', async () => {
  world.server.write('a', { team: 'red', title: 'one', n: 1 });
  await device.settle();
  const versions = [null, '102', '106', null, '104', '101', '105'];
  const refused = { status: 'rejected', error: { code: '23514', message: 'refused' } };
  rewriteResults((results) =>
    results.map((result, i) => {
      const version = versions[i] ?? null;
      return version === null ? { seq: result.seq ?? null, ...refused } : { ...result, version };
    }),
  );
  device.transport.plan('none', 'push');
  device.transport.plan('lose_request', 'pull');
  for (const id of ['b', 'c', 'd', 'e']) await device.db.note.insert({ id, team: 'red' });
  await device.db.note.update('a', { title: 'two' });
  await device.db.note.insert({ id: 'f', team: 'red' });
  await device.db.note.update('a', { n: 2 });
  await device.sync();

  expect(await device.db.note.get('a')).toMatchObject({ title: 'two', n: 2 });
  await device.db.note.update('a', { title: 'three' });
  await device.sync();
  const pushed = device.transport.calls.filter(({ fn }) => fn === 'push').at(-1);
  const { mutations } = JSON.parse(String(pushed?.args.p_batch)) as { mutations: JsonRow[] };
  expect(mutations[0]?.base).toBe('105');
});

it('a row that came with a verdict is not undone by a pull that was begun before', async () => {
  world.server.pageSize = 1;
  for (const id of ['a', 'b', 'c']) world.server.write(id, { team: 'red', title: 'old' });
  device.transport.plan('none', 'pull');
  device.transport.plan('lose_request', 'pull');
  await device.sync();
  const inner = device.transport.call;
  device.transport.call = async (fn, args, signal) => {
    // The pull goes on with what it saw when it was begun: row b as it was then.
    if (fn !== 'pull') return inner(fn, args, signal);
    const current = world.server.rows.get('b');
    world.server.rows.set('b', {
      ...(current as never as object),
      row: { id: 'b', team: 'red', title: 'old' },
      version: 2,
    } as never);
    const answer = await inner(fn, args, signal);
    if (current !== undefined) world.server.rows.set('b', current);
    return answer;
  };
  await device.db.note.upsert({ id: 'b', team: 'red', title: 'mine' });
  await device.sync();

  expect(await device.db.note.get('b')).toMatchObject({ title: 'mine' });
});

it('versions of another history are not compared: a restored database wins', async () => {
  for (const title of ['one', 'two', 'three']) world.server.write('a', { team: 'red', title });
  await device.settle();
  world.server.epoch = 'restored';
  const stored = world.server.rows.get('a');
  if (stored !== undefined) {
    stored.version = 1;
    stored.row = { id: 'a', team: 'red', title: 'as of the backup' };
  }
  await device.settle();

  expect(await device.db.note.get('a')).toMatchObject({ title: 'as of the backup' });
});

it('a lost team takes rows along whose scope no verdict had named', async () => {
  rewriteResults((results) => results.map(({ scope: _scope, ...result }) => result));
  await device.db.note.insert({ id: 'a', team: 'red' });
  world.server.join('ann', 'blue');
  await device.db.note.insert({ id: 'b', team: 'blue' });
  await device.settle();
  world.server.leave('ann', 'red');
  await device.settle();

  expect([...(await device.rows()).keys()]).toEqual(['b']);
});

it('a row that a verdict brings along is taken as it is', async () => {
  rewriteResults((results) =>
    results.map((result) => ({ ...result, row: { id: 'a', team: 'red', title: 'BY A TRIGGER', n: 7 } })),
  );
  await device.db.note.insert({ id: 'a', team: 'red', title: 'by a trigger' });
  device.transport.plan('none', 'push');
  device.transport.plan('lose_request', 'pull');
  await device.sync();

  expect(await device.db.note.get('a')).toEqual({ id: 'a', team: 'red', title: 'BY A TRIGGER', n: 7 });
});

it('a row that the writer may not see any more goes with the verdict', async () => {
  rewriteResults((results) => results.map((result) => ({ ...result, row: null })));
  await device.db.note.insert({ id: 'a', team: 'red' });
  device.transport.plan('lose_request', 'pull');
  await device.sync();

  expect(await device.db.note.get('a')).toBeUndefined();
});

it('an answer that names none of the mutations is not taken for an acknowledgement', async () => {
  rewriteResults(() => []);
  await device.db.note.insert({ id: 'a', team: 'red' });
  expect(await device.sync()).toMatchObject({ status: 'paused', error: { code: 'bad_answer' } });
  expect(await device.db.outbox.list()).toHaveLength(1);
});

it('a table with another key than declared is reported, and nothing of it is taken', async () => {
  world.server.write('a', { team: 'red' });
  const inner = device.transport.call;
  device.transport.call = async (fn, args, signal): Promise<RpcAnswer> => {
    const answer = await inner(fn, args, signal);
    if (fn !== 'pull' || !answer.ok) return answer;
    const schema = { hash: 'h', tables: { 'public.note': { key: ['team', 'id'], columns: {} } } };
    return { ok: true, data: { ...(answer.data as object), schema } };
  };
  expect(await device.sync()).toMatchObject({ status: 'paused', error: { code: 'schema_mismatch' } });
  expect((await device.rows()).size).toBe(0);
});
