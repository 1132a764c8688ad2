import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryStorage } from '../../src/index.ts';
import type { JsonRow } from '../../src/types.ts';
import { foreignDocument } from '../support/reference-models.ts';
import { makeWorld, type World } from '../support/world.ts';
import { DOCUMENTS, damaged, lastHeld, modelDevice, row, sharedEngine } from './support.ts';

let world: World;

beforeEach(() => {
  world = makeWorld();
});

afterEach(async () => {
  await world.close();
});

async function scoreOf(document: JsonRow, features: readonly number[]): Promise<number> {
  const bytes = Buffer.from(String(document.artifact), 'base64');
  return (await sharedEngine()).decode(bytes).score(features);
}

describe('a model', () => {
  it('comes with a pull and scores without the network', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, sync } = await modelDevice(world);
    await expect(models().score('warm', row(1))).rejects.toMatchObject({ code: 'model_missing' });
    await sync();
    device.transport.setConditions({ offline: true });

    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
    expect(await models().list()).toMatchObject([
      {
        model: 'warm',
        version: 1,
        format: 'offline-sync-model',
        error: null,
        meta: { algorithm: 'logistic' },
      },
    ]);
  });

  it('is asked for once', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, sync } = await modelDevice(world);
    await sync();
    await sync();
    const pulls = device.transport.calls.filter(({ fn }) => fn === 'pull');
    expect(pulls.map(({ args }) => (args.p_request as JsonRow).models)).toEqual([{}, { warm: 1 }]);
  });

  it('serves after a restart, before any contact', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, sync } = await modelDevice(world);
    await sync();
    device.transport.setConditions({ offline: true });
    await device.crash();
    expect(await models().score('warm', row(2))).toBe(await scoreOf(DOCUMENTS.warm_1, row(2)));
  });

  it('gives way to a new version, of which one is kept', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, sync } = await modelDevice(world);
    await sync();
    await models().score('warm', row(1));
    world.server.models.deploy('warm', 2, DOCUMENTS.warm_2);
    let changes = 0;
    const stop = models().subscribe(() => {
      changes += 1;
    });
    await sync();
    stop();

    expect(changes).toBe(1);
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_2, row(1)));
    await device.crash();
    expect(await models().predict('warm', { f0: 1 })).toMatchObject({ model: 'warm', version: 2 });
    const storage = await device.storage.open('pos:default:ann:v1');
    expect(await storage.scan('meta', ['model-bytes'])).toHaveLength(1);
  });

  it('goes back to an older version when the server does', async () => {
    world.server.models.deploy('warm', 2, DOCUMENTS.warm_2);
    const { models, sync } = await modelDevice(world);
    await sync();
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    await sync();
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
  });

  it('goes when it is withdrawn', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    world.server.models.deploy('stale', 1, DOCUMENTS.stale);
    const { device, models, sync } = await modelDevice(world);
    await sync();
    await models().score('warm', row(1));
    world.server.models.withdraw('warm');
    await sync();
    await expect(models().score('warm', row(1))).rejects.toMatchObject({ code: 'model_missing' });
    expect((await models().list()).map(({ model }) => model)).toEqual(['stale']);
    const storage = await device.storage.open('pos:default:ann:v1');
    expect(await storage.scan('meta', ['model-bytes'])).toHaveLength(1);
  });

  it('is fetched by itself when it is too large for the answer', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1, { isInline: false });
    const { device, models, sync } = await modelDevice(world);
    await sync();
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
    const fetched = device.transport.calls.filter(({ fn }) => fn === 'export_model');
    expect(fetched.map(({ args }) => args)).toEqual([{ p_model: 'warm', p_version: 1 }]);
  });

  it('that could not be fetched stops no rows, and comes with the next pull', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1, { isInline: false });
    world.server.write('a', { team: 'red', n: 1 });
    const { device, models, errors, sync } = await modelDevice(world);
    device.transport.plan('lose_request', 'export_model');
    await sync();
    expect((await device.rows()).size).toBe(1);
    expect(errors).toEqual([['offline', 'warm', 1]]);
    await sync();
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
  });

  it('comes with the last of many pages', async () => {
    world.server.pageSize = 3;
    for (let i = 0; i < 10; i += 1) world.server.write(`row-${i}`, { team: 'red', n: i });
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { models, sync } = await modelDevice(world);
    await sync();
    expect(await models().list()).toHaveLength(1);
  });

  it('stays with its user', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, sync } = await modelDevice(world);
    await sync();
    await models().score('warm', row(1));
    await device.db.signOut();
    await expect(models().score('warm', row(1))).rejects.toMatchObject({ code: 'no_user' });
    world.server.models.withdraw('warm');
    device.auth.signIn('bob');
    await sync();
    await expect(models().score('warm', row(1))).rejects.toMatchObject({ code: 'model_missing' });
  });

  it('is not pulled by an app without models', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const device = await world.device();
    await device.settle();
    const [pull] = device.transport.calls.filter(({ fn }) => fn === 'pull');
    expect(pull?.args.p_request).not.toHaveProperty('models');
  });
});

describe('a version that is no good', () => {
  it.each([
    ['damaged on its way', 'model_damaged', damaged(DOCUMENTS.warm_2)],
    ['no base64', 'model_damaged', { ...DOCUMENTS.warm_2, artifact: '!' }],
    ['described as another model', 'model_damaged', { ...DOCUMENTS.warm_2, labels: ['a', 'b'] }],
    [
      'of a later format',
      'model_unsupported',
      { ...foreignDocument('offline-sync-model', Buffer.from(`OSML\u0009\0${'x'.repeat(40)}`)) },
    ],
    ['of a format that nothing here runs', 'model_unsupported', foreignDocument('onnx', Buffer.from('x'))],
  ])('because it is %s leaves the old one serving', async (_why, code, document) => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, errors, sync } = await modelDevice(world);
    await sync();
    world.server.models.deploy('warm', 2, document);
    await sync();

    expect(errors).toEqual([[code, 'warm', 2]]);
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
    expect(await models().list()).toMatchObject([{ version: 1, error: { code } }]);
    await device.crash();
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));

    world.server.models.deploy('warm', 3, DOCUMENTS.warm_2);
    await sync();
    expect(await models().list()).toMatchObject([{ version: 3, error: null }]);
  });

  it('is asked for a few times only, and its error is what a call gets', async () => {
    world.server.models.deploy('warm', 1, damaged(DOCUMENTS.warm_1));
    const made = await modelDevice(world);
    const { models, errors, sync } = made;
    for (let i = 0; i < 6; i += 1) await sync();
    expect(errors).toHaveLength(3);
    await expect(models().score('warm', row(1))).rejects.toMatchObject({ code: 'model_damaged' });
    expect(lastHeld(made)).toEqual({ warm: 1 });
  });

  it('is forgotten when the server goes back to the one before', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const made = await modelDevice(world);
    const { models, sync } = made;
    await sync();
    world.server.models.deploy('warm', 2, damaged(DOCUMENTS.warm_2));
    for (let i = 0; i < 4; i += 1) await sync();
    expect(lastHeld(made)).toEqual({ warm: 2 });
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    await sync();
    await sync();
    expect(lastHeld(made)).toEqual({ warm: 1 });
    expect(await models().list()).toMatchObject([{ version: 1, error: null }]);
  });

  it('in the storage is noticed, and fetched again', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, sync } = await modelDevice(world);
    await sync();
    const storage = await device.storage.open('pos:default:ann:v1');
    const bytes = new Uint8Array(Buffer.from(String(damaged(DOCUMENTS.warm_1).artifact), 'base64'));
    const key = ['model-bytes', 'warm'];
    await storage.commit([{ type: 'put', store: 'meta', key, value: { bytes } }], 'strict');
    await device.crash();
    await expect(models().score('warm', row(1))).rejects.toMatchObject({ code: 'model_damaged' });
    await sync();
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
  });

  it.each([[null], [{}], [{ model: 'warm' }], [{ model: 'warm', version: 'x', format: 'f', sha256: 's' }]])(
    'because it is %j on the wire is passed over',
    async (entry) => {
      world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
      const pull = world.server.models.pull.bind(world.server.models);
      world.server.models.pull = (...asked) => [entry, ...(pull(...asked) as JsonRow[])];
      const { models, errors, sync } = await modelDevice(world);
      await sync();
      expect(errors).toEqual([['bad_answer', '', null]]);
      expect(await models().list()).toHaveLength(1);
    },
  );
});

describe('the module', () => {
  it('that could not be loaded is loaded later', async () => {
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    let attempts = 0;
    const engine = async () => {
      attempts += 1;
      if (attempts === 1) throw new TypeError('fetch failed');
      return sharedEngine();
    };
    const { models, errors, sync } = await modelDevice(world, { engine });
    await sync();
    expect(errors).toEqual([['core_failed', 'warm', 1]]);
    await sync();
    expect(await models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
  });
});

describe('two tabs', () => {
  it('use one store, and the one that did not pull goes over to the new version when it syncs', async () => {
    const storage = memoryStorage();
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const one = await modelDevice(world, {}, { storage });
    await one.sync();
    const two = await modelDevice(world, {}, { storage });
    expect(await two.models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));

    world.server.models.deploy('warm', 2, DOCUMENTS.warm_2);
    await one.sync();
    expect(await two.models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_1, row(1)));
    await two.sync();
    expect(await two.models().score('warm', row(1))).toBe(await scoreOf(DOCUMENTS.warm_2, row(1)));
    expect(lastHeld(two)).toEqual({ warm: 2 });
  });

  it('are not confused when one replaces what the other is about to load', async () => {
    const storage = memoryStorage();
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const one = await modelDevice(world, {}, { storage });
    await one.sync();
    const two = await modelDevice(world, {}, { storage });
    expect(await two.models().list()).toMatchObject([{ version: 1 }]);
    world.server.models.deploy('warm', 2, DOCUMENTS.warm_2);
    await one.sync();
    expect(await two.models().predict('warm', { f0: 1 })).toMatchObject({ version: 2 });
  });
});
