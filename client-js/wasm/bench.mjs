/**
 * Evidence: node client-js/wasm/bench.mjs [--json]
 *
 * The size of the core in the browser, and how many contested mutations a second it decides in headless Chromium,
 * against the same crate built for this machine, in turns, on the same request. Both read and write the JSON.
 */

import { spawnSync } from 'node:child_process';
import { openPage } from '../test-browser/browser.mjs';
import {
  buildNative,
  buildPackage,
  inTurns,
  kilobytes,
  must,
  print,
  ROUNDS,
  rounded,
  SECONDS,
} from '../wasm-abi/measure.mjs';

const COMMAND = 'node client-js/wasm/bench.mjs --json';
const MUTATIONS = 1_000;
const SIZE_MAX_KB = 120;

/** A run in which every mutation meets a change of others: a counter, a maximum, and the last writer. */
function contestedRun() {
  const other = '0198c5a0-0000-7000-8000-00000000000b';
  const each = (make) => Array.from({ length: MUTATIONS }, (_, i) => make(`row-${i}`, i));
  return {
    op: 'update',
    policy: '{"columns":{"likes":"counter","best":"max"}}',
    device: '0198c5a0-0000-7000-8000-00000000000a',
    now_hlc: '116200000000000000',
    bound_ms: 60_000,
    key_columns: ['id'],
    mutations: each((key, i) => ({
      seq: String(i + 1),
      key,
      base: '1',
      hlc: '116200000000000000',
      row: JSON.stringify({ id: key, likes: i + 2, best: i, title: `mine ${i}` }),
      before: JSON.stringify({ likes: i, best: 0, title: 'base' }),
    })),
    current: each((k, i) => JSON.stringify({ k, r: { id: k, likes: i + 5, best: 7, title: `theirs ${i}` } })),
    states: each((key) => {
      const stamp = [2, 116_100_000_000_000, other];
      const clocks = { likes: stamp, best: stamp, title: stamp };
      return JSON.stringify({ key, version: 2, hlc: stamp[1], life: [1, 1, null], clocks });
    }),
  };
}

/** Mutations a second in the page. */
function inBrowser(page, run) {
  return page.evaluate(
    async ([input, seconds]) => {
      const core = await globalThis.core;
      const start = performance.now();
      let answered = 0;
      while (performance.now() - start < seconds * 1_000) {
        if (core.decide(input).some(({ status }) => status !== 'merged')) throw new Error('not contested');
        answered += 1;
      }
      return (answered * input.mutations.length * 1_000) / (performance.now() - start);
    },
    [run, SECONDS],
  );
}

/** Mutations a second on this machine without a browser. */
function natively(program, run) {
  const input = JSON.stringify({ fn: 'decide', in: run });
  return Number(must(spawnSync(program, [String(SECONDS)], { input }), program)) * MUTATIONS;
}

buildPackage();
const program = buildNative('offline_sync_wasm', 'answer_rate');
const run = contestedRun();
const { page, close } = await openPage();
const { browser, native, ratio } = await inTurns(
  () => inBrowser(page, run),
  () => natively(program, run),
).finally(close);

const size = `${ROUNDS} rounds of ${SECONDS} s, ${MUTATIONS} mutations of 3 contested columns a call`;
const kb = kilobytes('core.wasm');
const row = (name, what, { value, spread }, unit, more = {}) => {
  const figures = { value: rounded(value), spread: spread === undefined ? null : rounded(spread) };
  return { name, what, ...figures, unit, bar: null, ok: true, command: COMMAND, size, ...more };
};
print([
  row('wasm_size', 'the core as WASM, gzip', { value: kb }, 'kB', {
    bar: `≤ ${SIZE_MAX_KB}`,
    ok: kb <= SIZE_MAX_KB,
  }),
  row('wasm_merges', 'merges in headless Chromium', browser, 'mutations/s'),
  row('wasm_merges_native', 'the same request by the same crate without a browser', native, 'mutations/s'),
  row(
    'wasm_ratio',
    'merges in headless Chromium, called from JavaScript, against the same crate built for Postgres, of each pair',
    ratio,
    '×',
  ),
]);
