/** How the reference server merges a mutation into a row. */

import type { Json, JsonRow } from '../../src/types.ts';

export interface WireMutation {
  readonly seq: string;
  readonly op: 'insert' | 'update' | 'upsert' | 'delete';
  readonly table: string;
  readonly key: JsonRow;
  readonly base: string | null;
  readonly patch?: JsonRow;
  readonly before?: JsonRow;
  readonly hlc: string;
  readonly after?: readonly string[];
  readonly group?: string;
}

export interface Stamp {
  readonly version: number;
  readonly hlc: bigint;
  readonly device: string | null;
}

export interface StoredRow {
  readonly id: string;
  /** null: deleted. */
  row: JsonRow | null;
  version: number;
  scope: string;
  device: string | null;
  seq: number;
  /** Last write of each column, and of the row as a whole under ''. */
  readonly stamps: Map<string, Stamp>;
}

/** What is written, how contested columns went, and the sides of a conflict. */
export interface Decision {
  readonly patch: JsonRow;
  readonly columns: JsonRow;
  readonly manual: JsonRow | null;
}

export function decide(mutation: WireMutation, stored: StoredRow | undefined, deviceId: string): Decision {
  const patch: Record<string, Json> = {};
  const columns: Record<string, Json> = {};
  let manual: JsonRow | null = null;
  for (const [column, mine] of Object.entries(mutation.patch ?? {})) {
    const stamp = stored?.stamps.get(column) ?? stored?.stamps.get('');
    const isUnseen = stamp !== undefined && (mutation.base === null || stamp.version > Number(mutation.base));
    const theirs = stored?.row?.[column] ?? null;
    if (!isUnseen || stamp.device === deviceId || stored?.row == null) patch[column] = mine;
    else if (column === 'likes') {
      patch[column] = Number(theirs) + Number(mine) - Number(mutation.before?.likes ?? 0);
      columns[column] = 'merged';
    } else if (column === 'grade') {
      columns[column] = 'manual';
      manual = { base: mutation.before?.grade ?? null, mine, theirs };
    } else if (BigInt(mutation.hlc) > stamp.hlc) {
      patch[column] = mine;
      columns[column] = 'mine';
    } else columns[column] = 'theirs';
  }
  return { patch, columns, manual };
}

/** Has anyone else changed the row since the device saw it? Then it cannot compute what the row is now. */
export function hasUnseen({ stamps }: StoredRow, base: string | null, deviceId: string): boolean {
  return [...stamps.values()].some(
    ({ version, device }) => device !== deviceId && version > Number(base ?? 0),
  );
}
