// Evidence: node supabase/demo/reconnect.mjs [--json] [--mutations 10000] [--rounds 3]
//
// A device comes back with thousands of new rows made offline. The yardstick is supabase-js writing
// as many rows to the same table by bulk upsert, in the same run: no outbox, no conflicts, no
// verdicts. Both orders take turns. Exits 1 when a row is not ok.

import { parseArgs } from 'node:util';
import { measureRound } from './src/evidence/reconnect.mjs';
import { figure, printRows, wholeNumbers } from './src/evidence/row.mjs';
import { number } from './src/report/narrator.mjs';
import { readStack } from './src/stack.mjs';

const COMMAND = 'node supabase/demo/reconnect.mjs --json';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    mutations: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: process.env.LONG === '1' ? '7' : '3' },
  },
});
const [mutations, rounds] = wholeNumbers(values, ['mutations', 'rounds']);
const stack = readStack();
// The first requests of an API server that was just started are slower than all others.
await measureRound(stack, Math.min(mutations, 1_000), true);

const measured = [];
for (let round = 1; round <= rounds; round += 1) {
  const { seconds, upsertSeconds } = await measureRound(stack, mutations, round % 2 === 0);
  measured.push({ seconds, upsertSeconds, ratio: upsertSeconds / seconds });
  const [ours, theirs] = [seconds, upsertSeconds].map((value) => value.toFixed(2));
  console.error(`reconnect ${round}/${rounds}: ${ours} s, bulk upsert ${theirs} s`);
}

const seconds = figure(measured.map((round) => round.seconds));
const rate = figure(measured.map((round) => mutations / round.seconds));
const ratio = figure(measured.map((round) => round.ratio));
const common = { command: COMMAND, size: `${number(mutations)} new rows, ${rounds} rounds` };
printRows(
  [
    {
      name: 'reconnect_vs_upsert',
      what: 'rate of a device coming back, through outbox, push and pull, against bulk upsert by supabase-js',
      value: ratio.median,
      unit: '× the rate',
      bar: '≥ 1',
      ok: ratio.median >= 1,
      ...common,
      spread: ratio.spread,
    },
    {
      name: 'reconnect_seconds',
      what: 'from the return of the network until the device has every verdict and has pulled',
      value: seconds.median,
      unit: 's',
      bar: null,
      ok: true,
      ...common,
      spread: seconds.spread,
    },
    {
      name: 'reconnect_rate',
      what: 'offline mutations that reach the server',
      value: rate.median,
      unit: 'mutations/s',
      bar: null,
      ok: true,
      ...common,
      spread: rate.spread,
    },
  ],
  values.json,
);
// realtime-js keeps the process alive for 10 s after a disconnect.
process.exit();
