/**
 * Evidence of both modules, which is one group: node client-js/bench.mjs [--json]
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { print } from './wasm-abi/measure.mjs';

const rows = ['wasm/bench.mjs', 'wasm-model/bench.mjs'].flatMap((name) => {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const { stdout, error } = spawnSync(process.execPath, [file, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error !== undefined) throw error;
  return JSON.parse(String(stdout));
});
print(rows);
