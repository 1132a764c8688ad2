import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { createOfflineClient } from '../src/index.ts';
import type { createModels, EngineModel, ModelEngine } from '../src/models/index.ts';
import { DOCUMENTS, row, sharedEngine } from '../test/models/support.ts';
import type { answers } from '../test/models/vector-answers.mjs';
import { vectorFiles, wrong } from '../test/models/vector-files.mjs';
import { openPage } from './browser.mjs';

declare const vectorAnswers: typeof answers;

declare const modelEngine: Promise<ModelEngine>;
declare const library: {
  readonly createModels: typeof createModels;
  readonly createOfflineClient: typeof createOfflineClient;
};

let opened: Awaited<ReturnType<typeof openPage>>;

beforeAll(async () => {
  opened = await openPage();
});

afterAll(async () => {
  await opened.close();
});

async function inNode(artifact: string): Promise<EngineModel> {
  return (await sharedEngine()).decode(new Uint8Array(Buffer.from(artifact, 'base64')));
}

describe('models in Chromium', () => {
  it.each(vectorFiles())('give the bits of $name', async (file) => {
    const found = await opened.page.evaluate(
      async (asked) => vectorAnswers(await modelEngine, JSON.parse(asked)),
      JSON.stringify(file),
    );
    expect(wrong(file, found)).toEqual([]);
  });

  it('score as in Node', async () => {
    const artifact = String(DOCUMENTS.warm_1.artifact);
    const rows = Array.from({ length: 500 }, (_, seed) => row(seed));
    const scores = await opened.page.evaluate(
      async ([text, inputs]) => {
        const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
        const model = (await modelEngine).decode(bytes);
        return inputs.map((input) => model.score(new Float32Array(input)));
      },
      [artifact, rows] as const,
    );
    const model = await inNode(artifact);
    expect(scores).toEqual(rows.map((input) => model.score(input)));
  });

  it('outlive a call that takes all their memory', async () => {
    const seen = await opened.page.evaluate(async (text) => {
      const engine = await modelEngine;
      const model = engine.decode(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
      const before = model.score(new Float32Array(20));
      try {
        engine.summarize('x'.repeat(150 * 1024 * 1024), 1);
        return ['no error'];
      } catch (error) {
        const after = model.score(new Float32Array(20));
        return [(error as { readonly code: string }).code, after === before];
      }
    }, String(DOCUMENTS.warm_1.artifact));
    expect(seen).toEqual(['core_failed', true]);
  });

  it('are kept in IndexedDB, and score in the next session without the network', async () => {
    const seen = await opened.page.evaluate(
      async (document) => {
        let isOnline = true;
        const server = { epoch: 'e', server_now: new Date().toISOString(), server_hlc: '1' };
        const answers: { readonly [fn: string]: object } = {
          register_device: { ...server, acked_seq: '0' },
          pull: {
            ...server,
            cursor: 'c',
            conflicts: 0,
            models: [
              {
                model: 'warm',
                version: 1,
                format: document.format,
                sha256: document.sha256,
                export: document,
              },
            ],
          },
          conflicts: { conflicts: [], has_more: false },
        };
        const session = { user: { id: 'ann' } };
        const supabase = {
          auth: {
            getSession: async () => ({ data: { session }, error: null }),
            onAuthStateChange: (callback: (event: string, session: object) => void) => {
              queueMicrotask(() => callback('INITIAL_SESSION', session));
              return { data: { subscription: { unsubscribe: () => undefined } } };
            },
          },
        };
        const start = async () => {
          const models = library.createModels();
          const db = library.createOfflineClient({
            supabase: supabase as never,
            tables: {},
            models,
            realtime: false,
            transport: {
              call: async (fn) =>
                isOnline
                  ? { ok: true, data: answers[fn] }
                  : { ok: false, status: 0, code: '', message: '', details: null, hint: null },
            },
          });
          await db.ready;
          return { db, models };
        };
        const first = await start();
        const outcome = await first.db.sync();
        await first.models.settled();
        const online = await first.models.score('warm', new Float32Array(20));
        await first.db.close();
        isOnline = false;
        const second = await start();
        const offline = await second.models.score('warm', new Float32Array(20));
        const listed = await second.models.list();
        await second.db.close();
        return { outcome, online, offline, versions: listed.map(({ version }) => version) };
      },
      DOCUMENTS.warm_1 as { readonly [name: string]: unknown },
    );
    const expected = (await inNode(String(DOCUMENTS.warm_1.artifact))).score(new Float32Array(20));
    expect(seen).toEqual({
      outcome: { status: 'synced' },
      online: expected,
      offline: expected,
      versions: [1],
    });
  });
});
