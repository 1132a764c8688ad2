// Evidence: node bench/peers/survival.mjs [--json] [--write] [--rows 200] [--seed 1] [--peer yjs] [--lost]
//
// The same conflicts for every peer: how many edits are still there when everybody has synced. --write puts the table into
// docs/survival.md, --lost names the edits that are gone. LONG=1: five times the rows.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ours } from './src/peers/ours.mjs';
import { columns, upsert } from './src/peers/plain.mjs';
import { rxdb } from './src/peers/rxdb.mjs';
import { yjs } from './src/peers/yjs.mjs';
import { evidence, table } from './src/report.mjs';
import { run } from './src/run.mjs';
import { startServer } from './src/server.mjs';
import { workloads } from './src/workloads.mjs';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    lost: { type: 'boolean', default: false },
    rows: { type: 'string', default: process.env.LONG === '1' ? '1000' : '200' },
    seed: { type: 'string', default: '1' },
    peer: { type: 'string', multiple: true },
  },
});
const [rows, seed] = [Number(values.rows), Number(values.seed)];
if (!(rows >= 1 && Number.isSafeInteger(rows) && Number.isSafeInteger(seed)))
  throw new Error('--rows and --seed are whole numbers');

const server = await startServer();
try {
  const peers = [ours, upsert, columns].map((peer) => peer(server.sql)).concat(rxdb, yjs);
  const chosen = peers.filter(({ name }) => values.peer?.includes(name) ?? true);
  const results = [];
  for (const workload of workloads(seed, rows)) {
    for (const peer of chosen) {
      const result = await run(peer, workload);
      results.push({ peer, workload, ...result });
      console.error(
        `${workload.name}, ${peer.title}: ${result.survived} of ${result.possible}` +
          (result.apart > 0 ? `, ${result.apart} rows differ between devices` : ''),
      );
      if (values.lost) for (const id of result.lost) console.error(`  lost: ${id}`);
    }
  }
  const lines = table(results);
  if (values.write) {
    const page = new URL('../../docs/survival.md', import.meta.url);
    const between = /(<!-- table -->\n)[^]*(<!-- end -->)/;
    writeFileSync(
      page,
      readFileSync(page, 'utf8').replace(between, (_, start, end) => `${start}${lines}${end}`),
    );
  }
  const figures = evidence(results, { rows, seed });
  if (values.json) console.log(JSON.stringify(figures, null, 1));
  else console.log(lines);
  process.exitCode = figures.every(({ ok }) => ok) ? 0 : 1;
} finally {
  await server.end();
}
