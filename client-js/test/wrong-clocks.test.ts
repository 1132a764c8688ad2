import { afterEach, describe, expect, it } from 'vitest';
import { type Device, makeWorld, type World } from './support/world.ts';

const worlds: World[] = [];

function world(): World {
  const made = makeWorld();
  worlds.push(made);
  return made;
}

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

const YEARS = { 1970: 1_000, 2099: Date.UTC(2099, 0, 1) } as const;

/** A device whose clock stands in that year from the beginning. */
async function deviceIn(made: World, year: keyof typeof YEARS): Promise<Device> {
  return made.device({ skewMs: YEARS[year] - made.clock.now() });
}

/** Clocks of the stored columns, as milliseconds. */
function stampOf(made: World, column: string): number {
  return Number((made.server.rows.get('a')?.stamps.get(column)?.hlc ?? 0n) >> 16n);
}

/** Time passes for everyone. Nobody calls meanwhile: one clock moves after the other. */
async function pass(ms: number, made: World): Promise<void> {
  for (const { transport } of made.devices) transport.setConditions({ offline: true });
  await made.clock.advance(ms);
  for (const { clock } of made.devices) await clock.advance(ms);
  for (const { transport } of made.devices) transport.setConditions({});
}

describe.each([1970, 2099] as const)('a device whose clock stands in %i', (year) => {
  it('stamps with the server’s time once it has heard of it', async () => {
    const made = world();
    const device = await deviceIn(made, year);
    await device.db.note.insert({ id: 'a', team: 'red', title: 'x' });
    await device.settle();
    await pass(10_000, made);
    await device.db.note.update('a', { title: 'y' });
    await device.settle();
    expect(Math.abs(stampOf(made, 'title') - made.clock.now())).toBeLessThan(1_000);
  });

  it('stamps what it wrote before its first contact with the time at which that was', async () => {
    const made = world();
    const [right, wrong] = [await made.device(), await deviceIn(made, year)];
    made.server.write('a', { id: 'a', team: 'red', title: 'start' });
    await right.settle();
    await pass(10_000, made);

    // Unseen by each other: the later of the two wins, in whatever order they arrive.
    await wrong.db.note.upsert({ id: 'a', team: 'red', title: 'earlier' });
    await pass(10_000, made);
    await right.db.note.update('a', { title: 'later' });
    await pass(10_000, made);
    await right.settle();
    await wrong.settle();
    await right.settle();
    expect(made.server.rows.get('a')?.row?.title).toBe('later');

    await wrong.db.note.update('a', { title: 'last' });
    await wrong.settle();
    expect(made.server.rows.get('a')?.row?.title).toBe('last');
  });

  it('keeps the order of its own edits', async () => {
    const made = world();
    const device = await deviceIn(made, year);
    await device.db.note.insert({ id: 'a', team: 'red', title: '0' });
    for (const title of ['1', '2', '3']) await device.db.note.update('a', { title });
    await device.settle();
    expect(made.server.rows.get('a')?.row?.title).toBe('3');
  });
});

describe('a clock that is set while the app runs', () => {
  it('to 2099 and back does not leave the device in the future', async () => {
    const made = world();
    const device = await made.device();
    await device.db.note.insert({ id: 'a', team: 'red', title: 'x' });
    await device.settle();

    device.clock.set(YEARS[2099]);
    await device.db.note.update('a', { title: 'from 2099' });
    device.clock.set(made.clock.now());
    await device.settle();

    await pass(5_000, made);
    await device.db.note.update('a', { title: 'later' });
    await device.settle();
    expect(made.server.rows.get('a')?.row?.title).toBe('later');
    expect(Math.abs(stampOf(made, 'title') - made.clock.now())).toBeLessThan(1_000);
  });
});
