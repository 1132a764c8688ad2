import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createModels, type EngineModel, type ModelEngine } from '../../src/models/index.ts';
import { makeWorld, type World } from '../support/world.ts';
import { DOCUMENTS, modelDevice, row, sharedEngine } from './support.ts';

let world: World;
let engine: ModelEngine;

beforeAll(async () => {
  engine = await sharedEngine();
});

beforeEach(() => {
  world = makeWorld();
});

afterEach(async () => {
  await world.close();
});

function decode(name: keyof typeof DOCUMENTS): EngineModel {
  return engine.decode(new Uint8Array(Buffer.from(String(DOCUMENTS[name].artifact), 'base64')));
}

function named(values: readonly (number | null)[]): { [name: string]: number | null } {
  return Object.fromEntries(values.map((value, i) => [`f${i}`, value]));
}

async function pulled(...names: (keyof typeof DOCUMENTS)[]) {
  for (const name of names) {
    world.server.models.deploy(name, 1, DOCUMENTS[name], { vectors: { ann: [0.1, 1] } });
  }
  const { models, sync } = await modelDevice(world);
  await sync();
  return models();
}

describe('scores', () => {
  it('are those of predictions, whatever the row and however it is given', () => {
    const model = decode('warm_1');
    const value = fc.option(fc.float({ noNaN: true, noDefaultInfinity: true }), { nil: null });
    fc.assert(
      fc.property(fc.array(value, { minLength: 20, maxLength: 20 }), (values) => {
        const { score, probabilities } = model.predict(named(values));
        expect(model.score(values)).toBe(score);
        expect(model.score(Float32Array.from(values, (one) => one ?? Number.NaN))).toBe(score);
        expect(probabilities?.warm).toBe(score);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('outlive the instance, and memory that grows', () => {
    const model = decode('warm_1');
    const expected = model.score(row(1));
    expect(engine.summarize('One. '.repeat(1_000_000), 1)).toMatchObject([{ index: 0, text: 'One.' }]);
    expect(model.score(row(1))).toBe(expected);
    expect(() => engine.summarize('x'.repeat(150 * 1024 * 1024), 1)).toThrow(
      expect.objectContaining({ code: 'core_failed' }),
    );
    expect(model.score(row(1))).toBe(expected);
    model.dispose();
  });

  it('give back what they took', () => {
    // Together more than an instance may ever have.
    for (let i = 0; i < 20_000; i += 1) {
      const model = decode('recommendation');
      model.similar('item-1', 3);
      model.dispose();
    }
  });

  it.each([
    ['too few numbers', [1, 2]],
    ['too many numbers', Array.from({ length: 21 }, () => 0)],
  ])('refuse %s as SQL does', async (_what, features) => {
    const models = await pulled('warm_1');
    await expect(models.score('warm_1', features)).rejects.toMatchObject({
      code: 'core_refused',
      server: { code: '22023' },
    });
  });

  it('need named features where some are no numbers', async () => {
    const models = await pulled('stale');
    await expect(models.score('stale', [1])).rejects.toMatchObject({ server: { code: '22023' } });
  });
});

describe('predictions', () => {
  it('know categories, texts and missing values', async () => {
    const models = await pulled('stale');
    const rows = [
      { age: 10, kind: 'news', title: 'NEW 😀' },
      { age: 10, kind: 'never seen', title: null },
      {},
    ];
    const predictions = await models.predictMany('stale', rows);
    expect(predictions).toHaveLength(3);
    for (const [i, prediction] of predictions.entries()) {
      expect(prediction).toEqual(await models.predict('stale', rows[i] ?? {}));
      expect(prediction).toMatchObject({ model: 'stale', version: 1, label: prediction.score });
    }
    expect(new Set(predictions.map(({ score }) => score)).size).toBe(3);
  });

  it('refuse values of the wrong type', async () => {
    const models = await pulled('stale');
    await expect(models.predict('stale', { age: [] })).rejects.toMatchObject({
      code: 'core_refused',
      server: { code: '22023' },
    });
  });
});

describe('recommendations', () => {
  it('are by the vector of the user', async () => {
    const models = await pulled('recommendation');
    const { items, ...by } = await models.recommend({ count: 3 });
    expect(by).toEqual({ model: 'recommendation', version: 1, from: 'user' });
    expect(items.map(({ id }) => id)).toEqual(['item-2', 'item-1', 'item-3']);
    const others = await models.recommend({
      user: [1, -0.1],
      items: ['item-0'],
      exclude: ['item-1'],
      count: 1,
    });
    expect(others.items.map(({ id }) => id)).toEqual(['item-7']);
  });

  it('are by what the user touched where the training did not know the user', async () => {
    world.server.models.deploy('recommendation', 1, DOCUMENTS.recommendation);
    const { models, sync } = await modelDevice(world);
    await sync();
    const { from, items } = await models().recommend({ items: ['item-3', 'item-5', 'unknown'], count: 1 });
    expect({ from, ids: items.map(({ id }) => id) }).toEqual({ from: 'items', ids: ['item-4'] });
    expect(await models().recommend({ items: ['unknown'] })).toMatchObject({ from: 'nothing', items: [] });
  });

  it('refuse a vector of another length, and models without vectors', async () => {
    const models = await pulled('recommendation', 'warm_1');
    const refused = { code: 'core_refused', server: { code: '22023' } };
    await expect(models.recommend({ user: [1, 2, 3] })).rejects.toMatchObject(refused);
    await expect(models.recommend({ count: 0 })).rejects.toMatchObject(refused);
    await expect(models.recommend({ model: 'warm_1' })).rejects.toMatchObject(refused);
  });

  it('of similar items leave out the item itself', async () => {
    const models = await pulled('recommendation');
    const { items } = await models.similar('item-0', 2);
    expect(items.map(({ id }) => id).sort()).toEqual(['item-1', 'item-7']);
    expect((await models.similar('unknown')).items).toEqual([]);
  });
});

describe('summaries', () => {
  it('need no model and no client', async () => {
    const models = createModels({ engine: sharedEngine });
    const text = 'The bridge is closed. Rain fell. The bridge is closed for repairs until May.';
    expect(await models.summarize(text, 1)).toHaveLength(1);
    expect(await models.summarize('', 3)).toEqual([]);
    await expect(models.score('any', [])).rejects.toMatchObject({ code: 'closed' });
  });
});
