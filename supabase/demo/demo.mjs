// The demonstration: node supabase/demo/demo.mjs [--edits 6000] [--seed 1] [--svg FILE] [--verbose]
//
// Two people, three devices, thousands of edits without a network, and proof that nothing was lost.
// Needs the running stack (`make up`) and the built client. Exits 1 when anything is off.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Ledger } from './src/ledger.mjs';
import { EDITS_MIN } from './src/plan/plan.mjs';
import { Narrator, number } from './src/report/narrator.mjs';
import { renderTable } from './src/report/table.mjs';
import { connectAsAdmin, readStack } from './src/stack.mjs';
import { play } from './src/story/play.mjs';
import { renderTimeline } from './src/svg/render.mjs';
import { Timeline } from './src/timeline.mjs';

const { values } = parseArgs({
  options: {
    edits: { type: 'string', default: '6000' },
    seed: { type: 'string', default: '1' },
    svg: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const edits = Number(values.edits);
const seed = Number(values.seed);
if (!Number.isInteger(edits) || edits < EDITS_MIN || !Number.isInteger(seed)) {
  console.error(`--edits is a whole number from ${EDITS_MIN}, --seed a whole number`);
  process.exit(2);
}

const stack = readStack();
const sql = connectAsAdmin(stack);
const narrator = new Narrator({ verbose: values.verbose });
const timeline = new Timeline();
narrator.title(`Two people, three devices, ${number(edits)} edits without a network`);
try {
  const story = { stack, sql, narrator, timeline, ledger: new Ledger(), edits, seed };
  const { numbers, notes, findings } = await play(story);
  narrator.write('');
  for (const line of renderTable(numbers, notes)) narrator.write(`    ${line}`);
  narrator.write('');
  if (values.svg) {
    writeFileSync(values.svg, renderTimeline(timeline.data, wordsOf(numbers)));
    narrator.say(`The picture is in ${values.svg}.\n`);
  }
  process.exitCode = findings.length === 0 ? 0 : 1;
} finally {
  await sql.end();
}
// realtime-js keeps the process alive for 10 s after a disconnect.
process.exit();

/** @param {import('./src/report/table.mjs').Numbers} numbers */
function wordsOf({ sent, lost, duplicated, converged, devices }) {
  return {
    headline: `${number(edits)} edits without a network, and back`,
    summary: `${number(sent)} sent, ${lost} lost, ${duplicated} duplicated, ${converged}/${devices} devices identical`,
  };
}
