import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelArtifact, ModelRuntime, RunnableModel } from '../../src/models/index.ts';
import type { JsonRow } from '../../src/types.ts';
import { foreignDocument } from '../support/reference-models.ts';
import { makeWorld, type World } from '../support/world.ts';
import { DOCUMENTS, modelDevice, row } from './support.ts';

/** A network of two layers, as 32-bit floats: inputs, hidden units, then weights row by row. */
function network(inputs: number, hidden: number, weight: (i: number) => number): Uint8Array {
  const count = hidden * inputs + hidden;
  return new Uint8Array(
    Float32Array.from([inputs, hidden, ...Array.from({ length: count }, (_, i) => weight(i))]).buffer,
  );
}

/** Runs such networks: what an app would bring for ONNX, in small. */
class NetworkRuntime implements ModelRuntime {
  readonly formats = ['two-layers'];
  readonly disposed: string[] = [];
  /** While this is not settled, predictions wait. */
  gate: Promise<void> = Promise.resolve();

  async load({ bytes, meta }: ModelArtifact): Promise<RunnableModel> {
    const [inputs = 0, hidden = 0, ...weights] = new Float32Array(bytes.slice().buffer);
    if (weights.length !== hidden * inputs + hidden) throw new RangeError('weights are missing');
    let isDisposed = false;
    return {
      predict: async (features) => {
        await this.gate;
        if (isDisposed) throw new Error('used after dispose');
        const values = Object.values(features).map(Number);
        const units = Array.from({ length: hidden }, (_, unit) =>
          Math.max(
            0,
            values.reduce((sum, value, i) => sum + value * (weights[unit * inputs + i] ?? 0), 0),
          ),
        );
        const out = weights.slice(hidden * inputs);
        const score = units.reduce((sum, value, unit) => sum + value * (out[unit] ?? 0), 0);
        return { label: score, score, probabilities: null };
      },
      dispose: () => {
        isDisposed = true;
        this.disposed.push(String(meta.name));
      },
    };
  }
}

let world: World;
let runtime: NetworkRuntime;

beforeEach(() => {
  world = makeWorld();
  runtime = new NetworkRuntime();
});

afterEach(async () => {
  await world.close();
});

function deploy(version: number, weight: number, requires: JsonRow = {}): void {
  const document = foreignDocument(
    'two-layers',
    network(2, 2, () => weight),
    requires,
  );
  world.server.models.deploy('deep', version, { ...document, name: `v${version}` });
}

describe('a model of a foreign format', () => {
  it('is run by the runtime of the app, beside the built-in one', async () => {
    deploy(1, 0.5);
    world.server.models.deploy('warm', 1, DOCUMENTS.warm_1);
    const { device, models, sync } = await modelDevice(world, { runtimes: [runtime] });
    await sync();
    const expected = { label: 1.5, score: 1.5, probabilities: null, model: 'deep', version: 1 };
    expect(await models().predict('deep', { a: 1, b: 2 })).toEqual(expected);
    expect(await models().predictMany('deep', [{ a: 1, b: 2 }])).toEqual([expected]);
    expect(await models().score('warm', row(1))).toBeGreaterThan(0);
    await device.crash();
    expect(await models().predict('deep', { a: 1, b: 2 })).toEqual(expected);
  });

  it('says what it does not offer', async () => {
    deploy(1, 0.5);
    const { models, sync } = await modelDevice(world, { runtimes: [runtime] });
    await sync();
    const unsupported = { code: 'model_unsupported' };
    await expect(models().score('deep', [1, 2])).rejects.toMatchObject(unsupported);
    await expect(models().recommend({ model: 'deep' })).rejects.toMatchObject(unsupported);
    await expect(models().similar('a', 1, 'deep')).rejects.toMatchObject(unsupported);
  });

  it('goes only to devices that can run it', async () => {
    deploy(1, 0.5, { 'two-layers': true, memory_mb: 2_000 });
    const makers = [{}, { runtimes: [runtime] }, { runtimes: [runtime], capabilities: { memory_mb: 4_000 } }];
    const counts: number[] = [];
    for (const options of makers) {
      const { models, errors, sync } = await modelDevice(world, options);
      await sync();
      counts.push((await models().list()).length);
      expect(errors).toEqual([]);
    }
    expect(counts).toEqual([0, 0, 1]);
  });

  it('that its runtime refuses leaves the old one serving', async () => {
    deploy(1, 0.5);
    const { models, errors, sync } = await modelDevice(world, { runtimes: [runtime] });
    await sync();
    const broken = foreignDocument('two-layers', network(2, 2, () => 1).slice(0, -4));
    world.server.models.deploy('deep', 2, broken);
    await sync();
    expect(errors).toEqual([['model_unsupported', 'deep', 2]]);
    expect(await models().predict('deep', { a: 1, b: 2 })).toMatchObject({ version: 1, score: 1.5 });
  });

  it('that is replaced is given back when nobody uses it any more', async () => {
    deploy(1, 0.5);
    const { models, sync } = await modelDevice(world, { runtimes: [runtime] });
    await sync();
    let open: () => void = () => undefined;
    runtime.gate = new Promise((resolve) => {
      open = resolve;
    });
    const prediction = models().predict('deep', { a: 1, b: 2 });
    deploy(2, 1);
    await sync();
    expect(runtime.disposed).toEqual([]);
    open();
    expect(await prediction).toMatchObject({ version: 1, score: 1.5 });
    expect(runtime.disposed).toEqual(['v1']);
    expect(await models().predict('deep', { a: 1, b: 2 })).toMatchObject({ version: 2, score: 6 });
  });
});
