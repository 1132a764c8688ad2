import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../src/types.ts';
import type { Core } from '../src/wasm/index.ts';
import { CASES } from '../test/wasm/cases.ts';
import { type Answer, judge, request, type Vector, vectors } from '../test/wasm/vectors.ts';
import { openPage } from './browser.mjs';

declare const core: Promise<Core>;

let opened: Awaited<ReturnType<typeof openPage>>;

beforeAll(async () => {
  opened = await openPage();
});

afterAll(async () => {
  await opened.close();
});

/** Asks the core of the page. */
async function ask(cases: readonly Vector[]): Promise<Answer[]> {
  const asked: { readonly fn: string; readonly text: string }[] = cases.map((vector) => {
    const { fn, in: input } = request(vector);
    return { fn, text: JSON.stringify(input) };
  });
  return opened.page.evaluate(async (requests) => {
    const loaded = await core;
    return requests.map(({ fn, text }) => {
      try {
        return { out: loaded.call<Json>(fn, JSON.parse(text)) };
      } catch (error) {
        const { server, code } = error as {
          readonly server?: { readonly code: string };
          readonly code: string;
        };
        return { error: server?.code ?? code };
      }
    });
  }, asked);
}

describe('the core in Chromium', () => {
  it.each([
    ['this package', CASES],
    ['the repository', vectors()],
  ])('gives the answers of the vectors of %s', async (_whose, cases) => {
    const answers = await ask(cases);
    expect(answers).toHaveLength(cases.length);
    expect(cases.flatMap((vector, i) => judge(vector, answers[i] as Answer) ?? [])).toEqual([]);
  });

  it('outlives a call that takes all its memory', async () => {
    const codes = await opened.page.evaluate(async () => {
      const loaded = await core;
      try {
        loaded.diff(`{"a":"${'x'.repeat(120 * 1024 * 1024)}"}`, '{}');
        return ['no error'];
      } catch (error) {
        return [(error as { readonly code: string }).code, loaded.tick('0', 1)];
      }
    });
    expect(codes).toEqual(['core_failed', '65536']);
  });

  it('runs in a service worker', async () => {
    const tick = await opened.page.evaluate(async () => {
      const options: RegistrationOptions = { type: 'module', scope: '/' };
      await navigator.serviceWorker.register('/test-browser/service-worker.js', options);
      const { active } = await navigator.serviceWorker.ready;
      const { port1, port2 } = new MessageChannel();
      const answer = new Promise((resolve) => {
        port1.onmessage = (event) => resolve(event.data);
      });
      active?.postMessage(2, [port2]);
      return answer;
    });
    expect(tick).toBe('131072');
  });
});
