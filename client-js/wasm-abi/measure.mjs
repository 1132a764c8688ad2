/** What the benchmarks of the modules have in common. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const IS_LONG = process.env.LONG === '1';
export const ROUNDS = IS_LONG ? 15 : 5;
export const SECONDS = IS_LONG ? 3 : 1;

const client = join(dirname(fileURLToPath(import.meta.url)), '..');

export function must({ status, error, stdout }, what) {
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${what} ended with ${status}`);
  return String(stdout);
}

/** Builds the package, as the page loads it. */
export function buildPackage() {
  must(
    spawnSync('npm', ['run', '--silent', 'build'], { cwd: client, stdio: ['ignore', 2, 2] }),
    'npm run build',
  );
}

/** Builds an example of a crate for this machine, and answers where it is. */
export function buildNative(crate, example) {
  const target = join(process.env.CARGO_TARGET_DIR ?? join(client, '../target'), 'wasm-native');
  // As the extension is built: what runs in Postgres is not built for size.
  const profile = ['opt-level=3', 'lto="thin"', 'panic="unwind"', 'codegen-units=4'];
  const config = profile.flatMap((setting) => ['--config', `profile.release.${setting}`]);
  const what = ['--package', crate, '--example', example, '--target-dir', target];
  const args = ['build', '--release', '--locked', ...what, ...config];
  must(spawnSync('cargo', args, { cwd: client, stdio: ['ignore', 2, 2] }), 'cargo build');
  return join(target, 'release/examples', example);
}

/** Rates of both, taken in turns, so that what else the machine does meets both alike. */
export async function inTurns(inBrowser, natively) {
  const rates = [];
  await inBrowser();
  for (let round = 0; round < ROUNDS; round += 1) {
    const browserFirst = round % 2 === 0 ? await inBrowser() : null;
    const native = natively();
    const browser = browserFirst ?? (await inBrowser());
    rates.push({ browser, native, ratio: browser / native });
  }
  return Object.fromEntries(
    ['browser', 'native', 'ratio'].map((name) => [name, middle(rates.map((rate) => rate[name]))]),
  );
}

/** Median, and the interquartile range relative to it. */
function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { value: at(0.5), spread: (at(0.75) - at(0.25)) / at(0.5) };
}

/** The size of a built file, compressed. */
export function kilobytes(file) {
  return gzipSync(readFileSync(join(client, 'dist', file)), { level: 9 }).length / 1_000;
}

/** Four digits are what a measurement has; counts keep all of theirs. */
export function rounded(value) {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}

/** Prints rows of evidence; a row that is not ok is the exit code. */
export function print(rows) {
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else for (const { name, value, unit } of rows) process.stdout.write(`${name} ${value} ${unit}\n`);
  if (rows.some(({ ok }) => !ok)) process.exitCode = 1;
}
