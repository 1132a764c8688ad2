// Applies each fault and runs the tests that should notice: node tools/mutants/run.mjs [--json] [--only core|sql] [name …]
// Exits with 1 when a fault survives, or when a test fails without a fault.

import { parseArgs } from 'node:util';
import { coreBench } from './core.mjs';
import { readFaults } from './faults.mjs';
import { sqlBench } from './sql.mjs';

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string' } },
  allowPositionals: true,
});

const kinds = { core: coreBench, sql: sqlBench };
const outcomes = [];
for (const [kind, open] of Object.entries(kinds)) {
  if (values.only && values.only !== kind) continue;
  const all = readFaults(new URL(`faults/${kind}.txt`, import.meta.url));
  const faults = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (faults.length === 0) continue;
  const bench = open();
  try {
    console.error(`${kind}: the tests without a fault`);
    const programs = [...new Set(faults.flatMap(({ tests }) => tests.map(({ program }) => program)))];
    const clean = bench.test(programs);
    if (!clean.passed) throw new Error(`tests fail without a fault: ${clean.failed.join(', ')}\n${clean.output}`);
    for (const fault of faults) outcomes.push(judge(kind, bench, fault));
  } finally {
    bench.close();
  }
}

const survivors = outcomes.filter(({ caughtBy }) => caughtBy === null);
if (values.json) {
  console.log(
    JSON.stringify([
      {
        name: 'mutants',
        what: `deliberate faults in core and SQL that a test catches, of ${outcomes.length}${survivors.length > 0 ? `; not: ${survivors.map(({ name }) => name).join(', ')}` : ''}`,
        value: outcomes.length - survivors.length,
        unit: 'faults',
        bar: `= ${outcomes.length}`,
        ok: survivors.length === 0 && outcomes.length >= 20,
        command: 'tools/mutants/run.sh --json',
        size: `${outcomes.length} faults`,
        spread: null,
      },
    ]),
  );
} else {
  console.log('| fault | where | caught by |\n| --- | --- | --- |');
  for (const { what, file, caughtBy } of outcomes)
    console.log(`| ${what} | \`${file}\` | ${caughtBy ? `\`${caughtBy}\`` : '**nothing**'} |`);
  console.log(`\n${outcomes.length - survivors.length} of ${outcomes.length} caught`);
}
process.exitCode = survivors.length === 0 ? 0 : 1;

function judge(kind, bench, fault) {
  const started = performance.now();
  const remove = bench.apply(fault);
  let caughtBy = null;
  let why = '';
  try {
    for (const { program, filter } of fault.tests) {
      const result = bench.test([program], filter);
      if (result.passed && result.ran === 0) throw new Error(`${fault.name}: no test is called ${filter} in ${program}`);
      if (!result.passed && result.failed.length === 0) throw new Error(`${fault.name}: cannot be built\n${result.output}`);
      if (result.passed) continue;
      caughtBy = `${program} ${result.failed[0]}`;
      why = result.why;
      break;
    }
  } finally {
    remove();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`${caughtBy ? 'caught  ' : 'SURVIVED'} ${kind}/${fault.name} (${seconds} s)${caughtBy ? ` by ${caughtBy}: ${why}` : ''}`);
  return { kind, ...fault, caughtBy };
}
