// Evidence: node supabase/demo/convergence.mjs [--json] [--devices 3] [--edits 2000] [--rows 500]
//
// Devices edit the same rows without a network, through the real API, and end up with the same
// bytes. Prints the rows `convergence` and `convergence_seconds`; exits 1 when one is not ok.

import { parseArgs } from 'node:util';
import { converge } from './src/evidence/convergence.mjs';
import { printRows, wholeNumbers } from './src/evidence/row.mjs';
import { number } from './src/report/narrator.mjs';
import { connectAsAdmin, readStack } from './src/stack.mjs';

const COMMAND = 'node supabase/demo/convergence.mjs --json';
const FINDINGS_SHOWN = 20;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    devices: { type: 'string', default: '3' },
    edits: { type: 'string', default: '2000' },
    rows: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
  },
});
const [devices, edits, rows, seed] = wholeNumbers(values, ['devices', 'edits', 'rows', 'seed']);
const stack = readStack();
const sql = connectAsAdmin(stack);
console.error(
  `convergence: ${devices} devices make ${number(edits)} edits each on ${rows} rows, offline`,
);
const { different, wrong, seconds } = await converge(stack, sql, { devices, edits, rows, seed });
await sql.end();
for (const { what } of [...different, ...wrong].slice(0, FINDINGS_SHOWN))
  console.error(`  ${what}`);

const size = `${devices} devices × ${number(edits)} edits on ${number(rows)} rows`;
const common = { command: COMMAND, size, spread: null };
printRows(
  [
    {
      name: 'convergence',
      what: 'rows that differ between devices, REST API and database, or from what the edits add up to',
      value: different.length + wrong.length,
      unit: 'rows',
      bar: '= 0',
      ok: different.length + wrong.length === 0,
      ...common,
    },
    {
      name: 'convergence_seconds',
      what: 'from the moment the devices come back, all at once, until none has anything left to tell',
      value: seconds,
      unit: 's',
      bar: null,
      ok: true,
      ...common,
    },
  ],
  values.json,
);
// realtime-js keeps the process alive for 10 s after a disconnect.
process.exit();
