/**
 * Evidence: node client-js/wasm/bench.mjs [--json]
 *
 * The size of the core in the browser, and how many contested mutations a second it decides in headless Chromium,
 * against the same crate built for this machine, in turns, on the same request. Both read and write the JSON.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { openPage } from '../test-browser/browser.mjs';

const COMMAND = 'node client-js/wasm/bench.mjs --json';
const MUTATIONS = 1_000;
const IS_LONG = process.env.LONG === '1';
const ROUNDS = IS_LONG ? 15 : 5;
const SECONDS = IS_LONG ? 3 : 1;
const SIZE_MAX_KB = 120;

const here = dirname(fileURLToPath(import.meta.url));
const client = join(here, '..');

function must({ status, error, stdout }, what) {
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${what} ended with ${status}`);
  return String(stdout);
}

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

function buildNative() {
  const target = join(process.env.CARGO_TARGET_DIR ?? join(client, '../target'), 'wasm-native');
  // As the extension is built: what runs in Postgres is not built for size.
  const profile = ['opt-level=3', 'lto="thin"', 'panic="unwind"', 'codegen-units=4'];
  const config = profile.flatMap((setting) => ['--config', `profile.release.${setting}`]);
  const args = [
    'build',
    '--release',
    '--locked',
    '--example',
    'answer_rate',
    '--target-dir',
    target,
    ...config,
  ];
  must(spawnSync('cargo', args, { cwd: here, stdio: ['ignore', 2, 2] }), 'cargo build');
  return join(target, 'release/examples/answer_rate');
}

/** Median, and the interquartile range relative to it. */
function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median: at(0.5), spread: (at(0.75) - at(0.25)) / at(0.5) };
}

function rounded(value) {
  return Number(value.toPrecision(4));
}

const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: client, stdio: ['ignore', 2, 2] });
must(built, 'npm run build');
const program = buildNative();
const run = contestedRun();
const { page, close } = await openPage();
const rates = [];
try {
  await inBrowser(page, run);
  for (let round = 0; round < ROUNDS; round += 1) {
    const browserFirst = round % 2 === 0 ? await inBrowser(page, run) : null;
    const native = natively(program, run);
    const browser = browserFirst ?? (await inBrowser(page, run));
    rates.push({ browser, native, ratio: browser / native });
  }
} finally {
  await close();
}

const kilobytes = gzipSync(readFileSync(join(client, 'dist/core.wasm')), { level: 9 }).length / 1_000;
const [browser, native, ratio] = ['browser', 'native', 'ratio'].map((name) =>
  middle(rates.map((rate) => rate[name])),
);
const size = `${ROUNDS} rounds of ${SECONDS} s, ${MUTATIONS} mutations of 3 contested columns a call`;
const row = (name, what, value, unit, bar, ok, spread) => {
  return { name, what, value: rounded(value), unit, bar, ok, command: COMMAND, size, spread };
};
const rows = [
  row(
    'wasm_size',
    'the core as WASM, gzip',
    kilobytes,
    'kB',
    `≤ ${SIZE_MAX_KB}`,
    kilobytes <= SIZE_MAX_KB,
    null,
  ),
  row(
    'wasm_merges',
    'merges in headless Chromium',
    browser.median,
    'mutations/s',
    null,
    true,
    rounded(browser.spread),
  ),
  row(
    'wasm_merges_native',
    'the same request by the same crate without a browser',
    native.median,
    'mutations/s',
    null,
    true,
    rounded(native.spread),
  ),
  row(
    'wasm_ratio',
    'merges in headless Chromium, called from JavaScript, against the same crate built for Postgres, of each pair',
    ratio.median,
    '×',
    null,
    true,
    rounded(ratio.spread),
  ),
];
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
else for (const { name, value, unit } of rows) process.stdout.write(`${name} ${value} ${unit}\n`);
if (rows.some(({ ok }) => !ok)) process.exitCode = 1;
