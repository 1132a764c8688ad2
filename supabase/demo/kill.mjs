// Evidence: node supabase/demo/kill.mjs [--json] [--backends 180] [--servers 24] [--devices 4] [--rows 12] [--seed 1] [--history FILE]
//           node supabase/demo/kill.mjs --check FILE
//
// Devices write through the real API, on a stack of their own, while backends in the middle of a push and the whole
// server are killed with SIGKILL. The history goes to a file, and a checker looks through it. --check looks at a history once more.
// --json prints the row `kill_rounds`. Exits 1 when the checker finds anything.

import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printRows, wholeNumbers } from './src/evidence/row.mjs';
import { check } from './src/kill/check.mjs';
import { runKills } from './src/kill/run.mjs';

const FINDINGS_SHOWN = 20;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    backends: { type: 'string', default: '180' },
    servers: { type: 'string', default: '24' },
    devices: { type: 'string', default: '4' },
    rows: { type: 'string', default: '12' },
    seed: { type: 'string', default: '1' },
    history: { type: 'string', default: join(tmpdir(), `kill-${process.pid}.jsonl`) },
    check: { type: 'string' },
  },
});

/** @param {import('./src/kill/check.mjs').Finding[]} findings */
const show = (findings) => {
  for (const { check: of, what } of findings.slice(0, FINDINGS_SHOWN))
    console.error(`  ${of}: ${what}`);
};

if (values.check !== undefined) {
  const lines = readFileSync(values.check, 'utf8').trim().split('\n');
  const findings = check(lines.map((line) => JSON.parse(line)));
  show(findings);
  console.log(`${findings.length} findings in ${lines.length} events`);
  process.exit(findings.length === 0 ? 0 : 1);
}

const { history } = values;
const [backends, servers, devices, rows, seed] = wholeNumbers(values, [
  'backends',
  'servers',
  'devices',
  'rows',
  'seed',
]);
const result = await runKills({ backends, servers, devices, rows, seed, history });
const { findings, ...figures } = result;
console.error(`kill: ${JSON.stringify(figures)}; history: ${history}`);
show(findings);
/** @param {string[]} names */
const count = (...names) => findings.filter(({ check: of }) => names.includes(of)).length;
const kills = figures.backends + figures.servers;
if (values.json) {
  printRows(
    [
      {
        name: 'kill_rounds',
        what:
          `kill -9 while devices push through the API: ${figures.backends} backends in the middle of a push, ${figures.servers} whole servers; ` +
          `${count('lost')} edits lost, ${count('exactly_once')} done twice, ${count('causal_order')} out of order, ${count('convergence')} rows different; ` +
          `${figures.mutations} mutations in ${figures.pushes} pushes, ${figures.unanswered} of them without an answer, ` +
          `${figures.duplicates} mutations sent again that had been done, ${figures.merged} merged, ${figures.pulls} pulls looked through`,
        value: kills,
        unit: 'kills',
        bar: '≥ 200, 0 lost, 0 twice',
        ok: kills >= 200 && findings.length === 0,
        command: 'node supabase/demo/kill.mjs --json',
        size: `${devices} devices, ${rows} shared rows, seed ${seed}`,
        spread: null,
      },
    ],
    true,
  );
}
process.exit(findings.length === 0 ? 0 : 1);
