/** What a prediction is made from: edits that wait, and the rows of the server that they are for. */

import { tick } from '../clock/hlc.ts';
import type { Known } from '../conflict/prediction.ts';
import type { ServerSchema } from '../storage/storage.ts';
import { isVisible } from '../store/overlay.ts';
import type { JsonRow, Mutation } from '../types.ts';

/** A row of the server with the edits that wait for it, in their order. */
export interface WaitingRow {
  readonly table: ServerSchema['tables'][string];
  readonly version: string;
  readonly row: JsonRow;
  readonly mutations: readonly Mutation[];
}

export interface PredictInput {
  readonly device: string;
  readonly nowHlc: string;
  readonly rows: readonly WaitingRow[];
}

/** Edits of rows that the server has. What was given up, or is in the row already, waits no more. */
function waitingRows(known: Known): WaitingRow[] {
  const rows = new Map<string, WaitingRow & { readonly mutations: Mutation[] }>();
  const { outbox, sync } = known;
  for (const mutation of [...outbox.values()].sort((a, b) => a.seq - b.seq)) {
    const server = known.serverRow(mutation.table, mutation.keyText);
    const table = sync.schema?.tables[mutation.table];
    const isEdit = mutation.op === 'update' || mutation.op === 'upsert';
    if (!isEdit || !isVisible(mutation) || server === undefined || table?.policy === undefined) continue;
    const id = JSON.stringify([mutation.table, mutation.keyText]);
    const found = rows.get(id);
    if (found !== undefined) found.mutations.push(mutation);
    else rows.set(id, { table, version: server.version, row: server.row, mutations: [mutation] });
  }
  return [...rows.values()];
}

/** Everything that a prediction needs, as of now. */
export function gather(known: Known, nowMs: number): PredictInput {
  return {
    device: known.device.deviceId,
    nowHlc: tick(known.head.hlc, nowMs + (known.sync.clock?.offsetMs ?? 0)),
    rows: waitingRows(known),
  };
}
