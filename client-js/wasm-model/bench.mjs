/**
 * Evidence: node client-js/wasm-model/bench.mjs [--json]
 *
 * Whether the models give the same bits in headless Chromium as in the database, on every vector of the repository;
 * how many rows a second they score there, against the same crate built for this machine, in turns; and their size.
 */

import { spawnSync } from 'node:child_process';
import { vectorFiles, wrong } from '../test/models/vector-files.mjs';
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

const COMMAND = 'node client-js/wasm-model/bench.mjs --json';
const FEATURES = 20;
const ROWS = 10_000;
const SIZE_MAX_KB = 150;

/** How many cases there are, and which were answered with other bits. */
async function compare(page, files) {
  const faults = [];
  for (const file of files) {
    const found = await page.evaluate(
      async (asked) => globalThis.vectorAnswers(await globalThis.modelEngine, JSON.parse(asked)),
      JSON.stringify(file),
    );
    faults.push(...wrong(file, found));
  }
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  const count = files.reduce((sum, { cases }) => sum + cases.length, 0);
  return { count, same: count - faults.length };
}

/** Rows a second in the page, one call a row. */
function inBrowser(page, artifact) {
  return page.evaluate(
    async ([text, features, rows, seconds]) => {
      const engine = await globalThis.modelEngine;
      const model = engine.decode(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
      const row = new Float32Array(features).fill(0.5);
      const start = performance.now();
      let scored = 0;
      let sum = 0;
      while (performance.now() - start < seconds * 1_000) {
        for (let i = 0; i < rows; i += 1) {
          row[0] = i;
          sum += model.score(row);
        }
        scored += rows;
      }
      model.dispose();
      if (!(sum > 0)) throw new Error('no scores');
      return (scored * 1_000) / (performance.now() - start);
    },
    [artifact, FEATURES, ROWS, SECONDS],
  );
}

function natively(program, artifact) {
  const input = Buffer.from(artifact, 'base64');
  return Number(must(spawnSync(program, [String(SECONDS)], { input }), program));
}

/** The artefact of the vectors that is the shape of the bar: logistic, 20 numbers. */
function logistic(files) {
  return files.find(({ name }) => name === 'logistic.json').artifact;
}

buildPackage();
const program = buildNative('offline_sync_wasm_model', 'score_rate');
const files = vectorFiles();
const artifact = logistic(files);
const { page, close } = await openPage();
const measured = await (async () => {
  const { count, same } = await compare(page, files);
  const rates = await inTurns(
    () => inBrowser(page, artifact),
    () => natively(program, artifact),
  );
  return { count, same, ...rates };
})().finally(close);

const { count, same, browser, native, ratio } = measured;
const kb = kilobytes('model.wasm');
const size = `${ROUNDS} rounds of ${SECONDS} s, logistic of ${FEATURES} features, one call a row`;
const row = (name, what, { value, spread }, unit, more = {}) => {
  const figures = { value: rounded(value), spread: spread === undefined ? null : rounded(spread) };
  return { name, what, ...figures, unit, bar: null, ok: true, command: COMMAND, size, ...more };
};
print([
  row(
    'wasm_bit_identical',
    'vectors that headless Chromium answers with the bits of the native build',
    { value: same },
    'cases',
    { bar: `= ${count}`, ok: same === count, size: `${files.length} files, ${count} cases` },
  ),
  row(
    'wasm_scores_per_second',
    'rows scored in headless Chromium, called from JavaScript',
    browser,
    'rows/s',
  ),
  row('wasm_scores_per_second_native', 'the same row by the same crate without a browser', native, 'rows/s'),
  row('wasm_scores_ratio', 'scores in headless Chromium against the native build, of each pair', ratio, '×'),
  row('wasm_model_size', 'the models as WASM, gzip', { value: kb }, 'kB', {
    bar: `≤ ${SIZE_MAX_KB}`,
    ok: kb <= SIZE_MAX_KB,
    size: 'model.wasm',
  }),
]);
