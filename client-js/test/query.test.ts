import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { table } from '../src/index.ts';
import { settle } from '../src/testing/index.ts';
import { compareValues, equalValues, sameJson, toJsonRow } from '../src/values.ts';
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

describe('what a row shows', () => {
  it('is the server’s row under the pending changes, in order', async () => {
    world.server.write('a', { team: 'red', title: 'server', n: 1 });
    await device.settle();
    await device.db.note.update('a', { title: 'first' });
    await device.db.note.update('a', { title: 'second', n: 2 });

    expect(await device.db.note.get('a')).toEqual({ id: 'a', team: 'red', title: 'second', n: 2 });
  });

  it('is nothing after a delete, and a new row after another insert', async () => {
    world.server.write('a', { team: 'red', title: 'server', n: 1 });
    await device.settle();
    await device.db.note.delete('a');
    expect(await device.db.note.get('a')).toBeUndefined();

    await device.db.note.insert({ id: 'a', team: 'red', title: 'anew' });
    expect(await device.db.note.get('a')).toEqual({ id: 'a', team: 'red', title: 'anew' });
  });

  it('keeps the pending change when the server’s row changes below it', async () => {
    world.server.write('a', { team: 'red', title: 'server', n: 1 });
    await device.settle();
    world.server.deferN = 5;
    await device.db.note.update('a', { n: 5 });
    world.server.write('a', { title: 'theirs', n: 2 });
    await device.sync();

    expect(await device.db.note.get('a')).toMatchObject({ title: 'theirs', n: 5 });
    expect(device.db.status.get().pending).toBe(1);
  });

  it('cannot be changed by whoever reads it', async () => {
    await device.db.note.insert({ id: 'a', team: 'red', title: 'kept' });
    const row = await device.db.note.get('a');

    expect(() => {
      (row as { title: string }).title = 'changed';
    }).toThrow(TypeError);
    expect(await device.db.note.get('a')).toMatchObject({ title: 'kept' });
  });

  it('has int8 columns as text, or as bigint where the table says so, never rounded', async () => {
    const beyond = '9007199254740993';
    world.server.write('a', { team: 'red', views: beyond });
    await device.settle();
    expect((await device.db.note.get('a'))?.views).toBe(beyond);

    const { resolveTables } = await import('../src/table.ts');
    const { rowDecoder } = await import('../src/query/decode.ts');
    const definition = table<{ id: string; views: bigint }>({ key: 'id', int8: 'bigint' });
    const spec = resolveTables({ note: definition }, new Set(), () => 'id').get('note');
    if (spec === undefined) throw new Error('unreachable');
    const decode = rowDecoder<{ views: bigint }>(spec, { id: 'text', views: 'int8' });
    const row = Object.freeze({ id: 'a', views: beyond });
    expect(decode(row).views).toBe(9_007_199_254_740_993n);
    expect(decode(row)).toBe(decode(row));
  });
});

describe('a query', () => {
  beforeEach(async () => {
    const rows = [
      { id: 'a', team: 'red', title: 'x', n: 2 },
      { id: 'b', team: 'red', title: null, n: 10 },
      { id: 'c', team: 'blue', title: 'y', n: 1 },
      { id: 'd', team: 'red', title: 'x', n: null },
    ];
    for (const row of rows) await device.db.note.insert(row);
  });

  const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id).join('');

  it('finds by equality, through an index and without one', async () => {
    const { note } = device.db;
    expect(ids(await note.where({ team: 'red' }).get())).toBe('abd');
    expect(ids(await note.where({ title: 'x' }).get())).toBe('ad');
    expect(ids(await note.where({ team: 'red' }).where({ title: null }).get())).toBe('b');
    expect(ids(await note.where({ team: 'green' }).get())).toBe('');
  });

  it('keeps its index right while rows change', async () => {
    const { note } = device.db;
    await note.update('a', { team: 'blue' });
    await note.delete('d');
    expect(ids(await note.where({ team: 'red' }).get())).toBe('b');
    expect(ids(await note.where({ team: 'blue' }).get())).toBe('ac');
  });

  it('filters, sorts and limits', async () => {
    const { note } = device.db;
    expect(ids(await note.all().orderBy('n').get())).toBe('cabd');
    expect(ids(await note.all().orderBy('n', 'desc').get())).toBe('dbac');
    expect(ids(await note.all().orderBy('title').orderBy('n', 'desc').get())).toBe('dacb');
    expect(ids(await note.all().orderBy('n').limit(2).get())).toBe('ca');
    expect(
      ids(
        await note
          .all()
          .filter(({ n }) => (n ?? 0) > 1)
          .get(),
      ),
    ).toBe('ab');
  });

  it('shows each change once, and nothing when nothing it shows has changed', async () => {
    const seen: string[] = [];
    const stop = device.db.note.where({ team: 'red' }).subscribe((rows) => seen.push(ids(rows)));
    expect(seen).toEqual([]);
    await settle();
    expect(seen).toEqual(['abd']);

    await device.db.note.update('c', { n: 5 });
    await settle();
    expect(seen).toEqual(['abd']);

    await device.db.note.delete('a');
    await settle();
    expect(seen).toEqual(['abd', 'bd']);

    stop();
    await device.db.note.delete('b');
    await settle();
    expect(seen).toEqual(['abd', 'bd']);
  });
});

describe('values', () => {
  it('become JSON without loss', () => {
    const values = {
      at: new Date(Date.UTC(2026, 0, 2)),
      big: 9_007_199_254_740_993n,
      bytes: new Uint8Array([0, 255]),
      left_out: undefined,
      nested: { list: [1, null, { when: new Date(0) }] },
    };
    expect(toJsonRow(values, {})).toEqual({
      at: '2026-01-02T00:00:00.000Z',
      big: '9007199254740993',
      bytes: 'AP8=',
      nested: { list: [1, null, { when: '1970-01-01T00:00:00.000Z' }] },
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol('s'), new Map(), new Date(Number.NaN)])(
    'that are not JSON are refused: %s',
    (value) => {
      expect(() => toJsonRow({ value }, {})).toThrow(expect.objectContaining({ code: 'invalid_value' }));
    },
  );

  it('of int8 and numeric columns travel as text, and are refused when they are rounded already', () => {
    const types = { n: 'int8', price: 'numeric', plain: 'int4' };
    expect(toJsonRow({ n: 5, price: 1.5, plain: 5 }, types)).toEqual({ n: '5', price: '1.5', plain: 5 });
    expect(() => toJsonRow({ n: 2 ** 60 }, types)).toThrow(
      expect.objectContaining({ code: 'invalid_value' }),
    );
  });

  it('are the same whatever the order of keys', () => {
    expect(sameJson({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toBe(true);
    expect(sameJson({ a: 1 }, { a: 1, b: null })).toBe(false);
    expect(sameJson([1, 2], [2, 1])).toBe(false);
    expect(sameJson(null, {})).toBe(false);
  });

  it('compare as their column’s type does', () => {
    expect(compareValues('10', '9', 'int8')).toBeGreaterThan(0);
    expect(compareValues('10', '9', 'text')).toBeLessThan(0);
    expect(compareValues('9007199254740993', '9007199254740992', 'int8')).toBeGreaterThan(0);
    expect(compareValues('-1.5', '1.25', 'numeric')).toBeLessThan(0);
    expect(compareValues('2026-01-01T01:00:00+01:00', '2026-01-01T00:30:00Z', 'timestamptz')).toBeLessThan(0);
    expect(compareValues(null, 1, 'int4')).toBeGreaterThan(0);
    expect(equalValues('1.50', 1.5, 'numeric')).toBe(true);
    expect(equalValues(5, '5', 'int8')).toBe(true);
    expect(equalValues(5, '5', undefined)).toBe(false);
  });
});
