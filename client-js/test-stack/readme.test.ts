/** The README's example, run as it stands. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createClient } from '@supabase/supabase-js';
import ts from 'typescript';
import { expect, it } from 'vitest';
import WebSocket from 'ws';
import { createOfflineClient, memoryStorage, table } from '../src/index.ts';

const README = new URL('../README.md', import.meta.url);

function example(): string {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readFileSync(README, 'utf8')) ?? [];
  const withoutImports = (code ?? '').replaceAll(/^import .*$/gm, '');
  const { outputText } = ts.transpileModule(withoutImports, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return outputText;
}

it('does what it says', async () => {
  const shown: number[] = [];
  const names = {
    SUPABASE_URL: process.env.SUPABASE_URL,
    SUPABASE_ANON_KEY: process.env.SUPABASE_ANON_KEY,
    email: `reader-${randomUUID()}@example.com`,
    password: 'a password for the example',
    show: (rows: readonly unknown[]) => shown.push(rows.length),
    table,
    // What a browser has and Node has not: a WebSocket and an IndexedDB.
    createClient: (url: string, key: string) =>
      createClient(url, key, {
        realtime: { transport: WebSocket as never },
        auth: { persistSession: false },
      }),
    createOfflineClient: (options: Parameters<typeof createOfflineClient>[0]) =>
      createOfflineClient({ ...options, storage: memoryStorage().open }),
  };
  const AsyncFunction = (async () => undefined).constructor as new (
    ...args: string[]
  ) => (...values: unknown[]) => Promise<{
    verdict: unknown;
    db: { close(): Promise<void> };
    supabase: { removeAllChannels(): Promise<unknown> };
  }>;
  const run = new AsyncFunction(...Object.keys(names), `${example()}\nreturn { verdict, db, supabase };`);

  const { verdict, db, supabase } = await run(...Object.values(names));

  expect(verdict).toEqual({ status: 'applied' });
  expect(shown).toContain(1);
  await db.close();
  await supabase.removeAllChannels();
});
