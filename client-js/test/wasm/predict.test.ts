import { beforeAll, describe, expect, it } from 'vitest';
import type { Known } from '../../src/conflict/prediction.ts';
import type { JsonRow, Mutation } from '../../src/types.ts';
import { type Core, loadCore, wasmCore } from '../../src/wasm/index.ts';
import { makeWorld } from '../support/world.ts';

let core: Core;

beforeAll(async () => {
  core = await loadCore();
});

const TABLE = 'public.note';
const COLUMNS = { tags: '_text', body: 'text', settings: 'jsonb' };
const POLICY = {
  columns: {
    tags: 'merge',
    body: 'merge',
    settings: 'merge',
    plan: { function: 'public.merge_plan' },
    likes: 'counter',
    best: 'max',
    grade: 'manual',
    mine: 'client_wins',
    theirs: 'server_wins',
  },
};

function edit(seq: number, patch: JsonRow, before: JsonRow | null, more: Partial<Mutation> = {}): Mutation {
  return {
    seq,
    userId: 'ann',
    op: 'update',
    table: TABLE,
    key: { id: 'a' },
    keyText: '["a"]',
    base: '1',
    patch,
    before,
    hlc: String((1_773_070_000_000n << 16n) + BigInt(seq)),
    after: [],
    group: null,
    priority: 5,
    createdAt: 0,
    state: 'queued',
    voided: false,
    reflected: false,
    version: null,
    ...more,
  };
}

/** A device that has this row of the server, at version 2. */
function known(row: JsonRow, ...mutations: Mutation[]): Known {
  const server = { table: TABLE, keyText: '["a"]', version: '2', scope: 's', generation: 0 };
  return {
    device: { deviceId: '0198c5a0-0000-7000-8000-00000000000a', userId: 'ann' },
    head: { nextSeq: 9, hlc: '0', revision: 0 },
    outbox: new Map(mutations.map((mutation) => [mutation.seq, mutation])),
    serverRow: () => ({ ...server, row: { id: 'a', ...row } }),
    sync: {
      clock: null,
      schema: { hash: 'h', tables: { [TABLE]: { key: ['id'], columns: COLUMNS, policy: POLICY } } },
    } as unknown as Known['sync'],
  };
}

async function predicted(row: JsonRow, ...mutations: Mutation[]) {
  const predictor = wasmCore(async () => core);
  const [conflict] = await predictor.predict(known(row, ...mutations), 1_773_070_001_000);
  return conflict?.columns ?? {};
}

describe('a prediction', () => {
  it('is by the policy of the column, with the result', async () => {
    const row = { likes: 13, best: 7, grade: 2, mine: 'x', theirs: 'y', alone: 'z' };
    const before = { likes: 10, best: 5, grade: 1, mine: 'a', theirs: 'b', alone: 'z' };
    const patch = { likes: 12, best: 6, grade: 3, mine: 'm', theirs: 'n', alone: 'mine' };
    expect(await predicted(row, edit(1, patch, before))).toEqual({
      likes: { base: 10, mine: 12, theirs: 13, policy: 'counter', outcome: 'merged', result: 15 },
      best: { base: 5, mine: 6, theirs: 7, policy: 'max', outcome: 'theirs', result: 7 },
      grade: { base: 1, mine: 3, theirs: 2, policy: 'manual', outcome: 'manual', result: 2 },
      mine: { base: 'a', mine: 'm', theirs: 'x', policy: 'client_wins', outcome: 'mine', result: 'm' },
      theirs: { base: 'b', mine: 'n', theirs: 'y', policy: 'server_wins', outcome: 'theirs', result: 'y' },
    });
  });

  it('says so where only the server knows who was later', async () => {
    expect(await predicted({ title: 'theirs' }, edit(1, { title: 'mine' }, { title: 'base' }))).toEqual({
      title: { base: 'base', mine: 'mine', theirs: 'theirs', policy: 'last_write_wins', outcome: 'unknown' },
    });
  });

  it('combines by the type of the column', async () => {
    const row = { tags: ['a', 'c'], body: 'one two THREE', settings: { x: 1, y: 2 } };
    const before = { tags: ['a'], body: 'one two three', settings: { x: 1, y: 1 } };
    const patch = { tags: ['a', 'b'], body: 'ONE two three', settings: { x: 5, y: 1 } };
    expect(await predicted(row, edit(1, patch, before))).toMatchObject({
      tags: { policy: 'set', outcome: 'merged', result: ['a', 'c', 'b'] },
      body: { policy: 'text', outcome: 'merged', result: 'ONE two THREE' },
      settings: { policy: 'json', outcome: 'merged', result: { x: 5, y: 2 } },
    });
  });

  it('does not know what a function of the owner will say', async () => {
    const { plan } = await predicted({ plan: 2 }, edit(1, { plan: 3 }, { plan: 1 }));
    expect(plan).toEqual({ base: 1, mine: 3, theirs: 2, policy: 'public.merge_plan', outcome: 'unknown' });
  });

  it('is none where nothing is contested', async () => {
    expect(await predicted({ title: 'base' }, edit(1, { title: 'mine' }, { title: 'base' }))).toEqual({});
    expect(await predicted({ title: 'same' }, edit(1, { title: 'same' }, { title: 'base' }))).toEqual({});
  });

  it('takes several edits of a row one after the other', async () => {
    const likes = await predicted(
      { likes: 100 },
      edit(1, { likes: 11 }, { likes: 10 }),
      edit(2, { likes: 13 }, { likes: 11 }),
    );
    expect(likes.likes).toMatchObject({ outcome: 'merged', result: 103 });
  });

  it('leaves out what was given up or is in the row already', async () => {
    const patch = edit(1, { likes: 12 }, { likes: 10 });
    expect(await predicted({ likes: 13 }, { ...patch, voided: true })).toEqual({});
    expect(await predicted({ likes: 13 }, { ...patch, reflected: true })).toEqual({});
  });

  it('keeps numbers that JavaScript cannot', async () => {
    const big = '9007199254740993';
    const change = edit(1, { likes: '9007199254740995' }, { likes: big });
    expect((await predicted({ likes: '9007199254740994' }, change)).likes).toMatchObject({
      outcome: 'merged',
      result: '9007199254740996',
    });
  });

  it('is tried again when the core could not be loaded', async () => {
    let attempts = 0;
    const predictor = wasmCore(async () => {
      attempts += 1;
      if (attempts === 1) throw new TypeError('fetch failed');
      return core;
    });
    const state = known({ likes: 13 }, edit(1, { likes: 12 }, { likes: 10 }));
    await expect(predictor.predict(state, 0)).rejects.toThrow('fetch failed');
    expect(await predictor.predict(state, 0)).toHaveLength(1);
  });
});

describe('the client', () => {
  it('predicts what the server then does to an edit that had to wait', async () => {
    const world = makeWorld();
    const device = await world.device({ core: wasmCore(async () => core) });
    world.server.write('a', { id: 'a', team: 'red', likes: 10, grade: 1, n: 0 });
    await device.settle();
    world.server.deferN = 5;
    await device.db.note.update('a', { likes: 12, grade: 3, n: 5 });
    expect(await device.db.predictConflicts()).toEqual([]);
    world.server.write('a', { likes: 13, grade: 2 });
    await device.sync();
    const [conflict] = await device.db.predictConflicts();
    expect(conflict).toMatchObject({
      table: TABLE,
      key: { id: 'a' },
      columns: { likes: { outcome: 'merged', result: 15 }, grade: { outcome: 'manual', result: 2 } },
    });
    world.server.deferN = null;
    await device.sync();
    expect(world.server.rows.get('a')?.row).toMatchObject({ likes: 15, grade: 2 });
    await world.close();
  });

  it('needs a core for it', async () => {
    const world = makeWorld();
    const device = await world.device();
    await expect(device.db.predictConflicts()).rejects.toMatchObject({ code: 'core_missing' });
    await world.close();
  });
});
