import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memoryStorage } from '../../src/index.ts';
import { makeWorld } from '../support/world.ts';
import { DOCUMENTS, damaged, type ModelDevice, modelDevice, row, sharedEngine } from './support.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 60);

type Step =
  | { readonly type: 'deploy'; readonly which: 'warm_1' | 'warm_2'; readonly isInline: boolean }
  | { readonly type: 'deploy damaged' | 'withdraw' | 'crash' | 'cut power' }
  | { readonly type: 'sync'; readonly tab: 0 | 1; readonly fault: 'none' | 'lose_request' | 'lose_answer' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('deploy' as const),
    which: fc.constantFrom('warm_1' as const, 'warm_2' as const),
    isInline: fc.boolean(),
  }),
  fc.constantFrom('deploy damaged', 'withdraw', 'crash', 'cut power').map((type) => ({ type }) as Step),
  fc.record({
    type: fc.constant('sync' as const),
    tab: fc.constantFrom(0 as const, 1 as const),
    fault: fc.constantFrom('none' as const, 'lose_request' as const, 'lose_answer' as const),
  }),
);

/** What a tab says of a row: the score and the version, or that there is no model. */
async function asked({ models }: ModelDevice): Promise<string> {
  try {
    const { version } = await models().predict('warm', {});
    return `${version} ${await models().score('warm', row(1))}`;
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

/**
 * However versions come and go, calls are lost and apps end: a tab answers by a version that was deployed and whole,
 * wholly, or says that it has none; and once all is well, both tabs answer by the one that serves.
 */
it('two tabs serve a version that was deployed, or none, whatever happens', async () => {
  const engine = await sharedEngine();
  const scores = Object.fromEntries(
    (['warm_1', 'warm_2'] as const).map((name) => {
      const model = engine.decode(new Uint8Array(Buffer.from(String(DOCUMENTS[name].artifact), 'base64')));
      return [name, model.score(row(1))];
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const world = makeWorld();
      const storage = memoryStorage();
      const tabs = [await modelDevice(world, {}, { storage }), await modelDevice(world, {}, { storage })];
      const allowed = new Set(['model_missing', 'model_damaged']);
      let version = 0;
      const deploy = (which: 'warm_1' | 'warm_2', isInline: boolean) => {
        version += 1;
        world.server.models.deploy('warm', version, DOCUMENTS[which], { isInline });
        allowed.add(`${version} ${scores[which]}`);
      };
      for (const one of steps) {
        if (one.type === 'deploy') deploy(one.which, one.isInline);
        if (one.type === 'withdraw') world.server.models.withdraw('warm');
        if (one.type === 'deploy damaged') {
          version += 1;
          world.server.models.deploy('warm', version, damaged(DOCUMENTS.warm_1));
        }
        if (one.type === 'crash' || one.type === 'cut power') {
          if (one.type === 'crash') storage.crash();
          else storage.cutPower();
          for (const { device } of tabs) await device.restart();
        }
        if (one.type === 'sync') {
          const tab = tabs[one.tab] as ModelDevice;
          tab.device.transport.plan(one.fault);
          await tab.device.sync();
          await tab.models().settled();
        }
        for (const tab of tabs) expect(allowed).toContain(await asked(tab));
      }
      deploy('warm_2', true);
      for (const tab of [...tabs, ...tabs]) {
        await tab.device.settle();
        await tab.models().settled();
      }
      for (const tab of tabs) expect(await asked(tab)).toBe(`${version} ${scores.warm_2}`);
      await world.close();
    }),
    { numRuns: RUNS },
  );
});
