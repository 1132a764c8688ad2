// Runs a workload with a peer.

import { tally } from './survival.mjs';

/**
 * @param {object} peer what settles the conflicts
 * @param {object} workload see workloads.mjs
 */
export async function run(peer, workload) {
  const session = await peer.begin(workload);
  const devices = [...workload.skew.keys()];
  const total = { survived: 0, possible: 0, lost: [], apart: 0 };
  let before = new Map(workload.rows.map((row) => [row.id, row]));
  for (const { arrival, edits } of workload.rounds) {
    for (const { device, row, operation } of edits) await session.edit(device, row, operation);
    for (const device of arrival) await session.sync(device);
    for (const device of arrival) await session.sync(device);

    const after = await session.rows(devices[0]);
    const counted = tally(
      edits,
      (id) => after.get(id) ?? null,
      (id) => before.get(id) ?? null,
    );
    total.survived += counted.survived;
    total.possible += counted.possible;
    total.lost.push(...counted.lost);
    total.apart += await rowsApart(session, devices, after);
    before = after;
  }
  await session.end();
  return total;
}

/** Rows that some device sees otherwise than the first. */
async function rowsApart(session, devices, first) {
  const apart = new Set();
  for (const device of devices.slice(1)) {
    const rows = await session.rows(device);
    for (const id of new Set([...first.keys(), ...rows.keys()]))
      if (canonical(first.get(id)) !== canonical(rows.get(id))) apart.add(id);
  }
  return apart.size;
}

function canonical(value) {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
