/**
 * Any schedule of writes, crashes, bad networks, other people's changes and lost memberships, against the reference
 * server. What must hold at every end: nothing that was acknowledged on a device is lost or applied twice, and every
 * device shows what the server has.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Fault } from '../src/testing/index.ts';
import { type Device, makeWorld, type World } from './support/world.ts';

const ROW_IDS = ['a', 'b', 'c', 'd'] as const;
const TEAMS = ['red', 'blue'] as const;

/** What the devices acknowledged to their user, by what the writes carry. */
interface Model {
  /** Titles written; every one is different. */
  readonly titles: Set<string>;
}

interface Real {
  readonly world: World;
  readonly model: Model;
  readonly devices: readonly Device[];
}

type Step = (real: Real, device: Device) => Promise<void>;

let written = 0;

function nextTitle(model: Model): string {
  written += 1;
  const title = `title-${written}`;
  model.titles.add(title);
  return title;
}

/** A write that the device may refuse because of what it shows; a refusal is not an acknowledgement. */
async function tryWrite(model: Model, title: string, write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^row_(exists|not_found)$/) });
    model.titles.delete(title);
  }
}

interface PlannedStep {
  readonly name: string;
  readonly device: number;
  readonly step: Step;
}

const anId = fc.constantFrom(...ROW_IDS);
const aTeam = fc.constantFrom(...TEAMS);
const anN = fc.integer({ min: -1, max: 3 });

/** A step with an argument, on one of the two devices. */
function planned<A>(
  name: string,
  argument: fc.Arbitrary<A>,
  step: (argument: A) => Step,
): fc.Arbitrary<PlannedStep> {
  return fc.tuple(argument, fc.nat(1)).map(([value, device]) => ({
    name: `${name}(${JSON.stringify(value)}) on ${device}`,
    device,
    step: step(value),
  }));
}

/** What the user does. */
const writes = [
  planned('insert', fc.record({ id: anId, team: aTeam, n: anN }), (values) => async ({ model }, { db }) => {
    const title = nextTitle(model);
    await tryWrite(model, title, db.note.insert({ ...values, title, likes: 0 }));
  }),
  planned('upsert', fc.record({ id: anId, team: aTeam, n: anN }), (values) => async ({ model }, { db }) => {
    const title = nextTitle(model);
    await tryWrite(model, title, db.note.upsert({ ...values, title }));
  }),
  planned('update', fc.record({ id: anId, n: anN }), ({ id, n }) => async ({ model }, { db }) => {
    const title = nextTitle(model);
    await tryWrite(model, title, db.note.update(id, { title, n }));
  }),
  planned('move', fc.record({ id: anId, team: aTeam }), ({ id, team }) => async ({ model }, { db }) => {
    const title = nextTitle(model);
    await tryWrite(model, title, db.note.update(id, { title, team }));
  }),
  planned('delete', anId, (id) => async (_real, { db }) => {
    await db.note.delete(id);
  }),
  planned('batch', fc.tuple(anId, anId), ([first, second]) => async ({ model }, { db }) => {
    const titles = [nextTitle(model), nextTitle(model)];
    await db.batch((tx) => {
      tx.note.upsert({ id: first, team: 'red', title: titles[0] ?? null });
      tx.note.upsert({ id: second, team: 'red', title: titles[1] ?? null });
    });
  }),
  planned('discard', fc.nat(3), (index) => async ({ model }, { db }) => {
    const entries = await db.outbox.list();
    const entry = entries.filter(({ state }) => state === 'queued' || state === 'rejected')[index];
    if (entry === undefined) return;
    const given = await db.outbox.discard(entry.seq).catch((): number[] => []);
    for (const { seq, patch } of entries) if (given.includes(seq)) model.titles.delete(String(patch.title));
  }),
];
/** What can happen to the calls of one cycle, in order. */
const faults = fc.array(
  fc.constantFrom<Fault>(
    'none',
    'lose_request',
    'lose_answer',
    'duplicate',
    { fail: { status: 500, code: 'SUP' } },
    { fail: { status: 500, code: '57014' } },
    { fail: { status: 401, code: 'PGRST303' } },
  ),
  { maxLength: 4 },
);
/** What happens to a device. */
const conditions = [
  planned('sync', faults, (plan) => async (_real, device) => {
    for (const fault of plan) device.transport.plan(fault);
    await device.sync();
  }),
  planned('sync', fc.constant('well'), () => async (_real, device) => {
    await device.sync();
  }),
  planned('crash', fc.constantFrom('process' as const, 'power' as const), (what) => async (_real, device) => {
    await device.crash(what);
  }),
  planned('session ends', fc.boolean(), (ends) => async (_real, device) => {
    if (ends) device.auth.expire();
    else device.auth.session = { user: { id: 'ann' } };
  }),
];
/** What happens on the server. */
const others = [
  planned(
    'remote write',
    fc.record({ id: anId, team: aTeam, n: anN }),
    ({ id, ...patch }) =>
      async ({ world }) => {
        await world.clock.advance(10);
        world.server.write(id, patch);
      },
  ),
  planned('remote delete', anId, (id) => async ({ world }) => {
    if (world.server.rows.get(id)?.row != null) world.server.write(id, null);
  }),
  planned(
    'membership',
    fc.record({ team: aTeam, member: fc.boolean() }),
    ({ team, member }) =>
      async ({ world }) => {
        if (member) world.server.join('ann', team);
        else world.server.leave('ann', team);
      },
  ),
  planned('defer', fc.option(anN), (deferred) => async ({ world }) => {
    world.server.deferN = deferred;
  }),
  planned('page size', fc.integer({ min: 1, max: 3 }), (size) => async ({ world }) => {
    world.server.pageSize = size;
  }),
  planned('new epoch', fc.nat(1_000), (number) => async ({ world }) => {
    world.server.epoch = `epoch-${number}`;
  }),
];

const schedules = fc.array(fc.oneof(...writes, ...conditions, ...others), {
  minLength: 1,
  maxLength: 40,
  size: 'max',
});

async function comeToRest({ world, devices }: Real): Promise<void> {
  world.server.deferN = null;
  for (const device of devices) {
    device.auth.session = { user: { id: 'ann' } };
    device.transport.clearPlan();
    await device.crash();
  }
  for (let round = 0; round < 3; round += 1) for (const device of devices) await device.settle();
}

async function check({ world, model, devices }: Real): Promise<void> {
  const { server } = world;
  const effects = server.effects.map(({ device, seq }) => `${device} ${seq}`);
  expect(new Set(effects).size, 'no mutation takes effect twice').toBe(effects.length);

  const arrived = new Set(server.effects.map(({ patch }) => String(patch.title)));
  const rejected = new Set<string>();
  for (const { db } of devices) {
    const entries = await db.outbox.list();
    expect(entries.filter(({ state }) => state !== 'rejected')).toEqual([]);
    for (const { patch } of entries) rejected.add(String(patch.title));
  }
  const lost = [...model.titles].filter((title) => !arrived.has(title) && !rejected.has(title));
  expect(lost, 'every acknowledged write arrived, or is shown as rejected').toEqual([]);

  for (const device of devices) expect(await device.rows()).toEqual(server.visible('ann'));
}

async function run(steps: readonly PlannedStep[]): Promise<void> {
  const world = makeWorld();
  const devices = [await world.device(), await world.device()];
  const real: Real = { world, model: { titles: new Set() }, devices };
  for (const { device, step } of steps) await step(real, devices[device] as Device);
  await comeToRest(real);
  await check(real);
  await world.close();
}

const RUNS = Number(process.env.MODEL_RUNS ?? 150);

it('loses nothing, does nothing twice, and converges, whatever happens', { timeout: 600_000 }, async () => {
  const property = fc.asyncProperty(schedules, run);
  await fc.assert(property, {
    numRuns: RUNS,
    reporter: (result) => {
      if (!result.failed) return;
      const steps = (result.counterexample?.[0] ?? []).map(({ name }) => name).join('\n');
      throw new Error(
        `seed ${result.seed}, path ${result.counterexamplePath}\n${steps}\n${result.errorInstance}`,
      );
    },
  });
});
