/** What the server would make of the mutations that wait, by the same rules. */

import type { ConflictPredictor, PredictedColumn, PredictedConflict } from '../conflict/prediction.ts';
import type { Json, JsonRow, Mutation } from '../types.ts';
import { sameJson } from '../values.ts';
import { type Core, type Decision, loadCore, type Run } from './core.ts';
import { gather, type PredictInput, type WaitingRow } from './waiting.ts';

/** Stands for whoever wrote what this device has not seen. */
const OTHERS = '';

/** Clocks of a write that nobody here knows: what both lead to, any clock between them leads to. */
const EARLIEST = '0';
const LATEST = '9223372036854775807';

/** The server's default bound for clocks from the future. */
const BOUND_MS = 60_000;

type Stamps = Map<string, { readonly version: string; readonly device: string }>;

/** A predictor for `createOfflineClient({ core })`; fetches the core with the first prediction. */
export function wasmCore(load: () => Promise<Core> = loadCore): ConflictPredictor {
  let core: Promise<Core> | null = null;
  return {
    async predict(known, nowMs) {
      core ??= load();
      // What was not to be had offline may be later.
      core.catch(() => {
        core = null;
      });
      return predict(await core, gather(known, nowMs));
    },
  };
}

/** The edits that others' changes contest, row by row, in the order of the outbox. */
export function predict(core: Core, input: PredictInput): PredictedConflict[] {
  return input.rows.flatMap((row) => {
    const columns = predictRow(core, row, input);
    const { table, key } = row.mutations[0] as Mutation;
    return Object.keys(columns).length === 0 ? [] : [{ table, key, columns }];
  });
}

function predictRow(core: Core, waiting: WaitingRow, input: PredictInput): Record<string, PredictedColumn> {
  const columns: Record<string, PredictedColumn> = {};
  let row = waiting.row;
  const mine: Stamps = new Map();
  for (const mutation of waiting.mutations) {
    const run = runOf(mutation, waiting, row, input);
    const decide = (clock: string) => decideOne(core, run, stateOf(mutation, waiting, row, mine, clock));
    const [early, late] = [decide(EARLIEST), decide(LATEST)];
    const values = JSON.parse(early.row) as JsonRow;
    const otherwise = JSON.parse(late.row) as JsonRow;
    const next: Record<string, Json> = { ...row };
    for (const column of Object.keys(mutation.patch)) {
      const value = values[column] ?? null;
      const isKnown = sameJson(value, otherwise[column] ?? null);
      const entry = entryOf(column, early, late, isKnown ? value : undefined);
      if (entry !== null) columns[column] = entry;
      // As far as the rest of the outbox is concerned, this device won what is not known.
      next[column] = value;
      if (entry?.outcome !== 'theirs' && entry?.outcome !== 'manual') {
        mine.set(column, { version: waiting.version, device: input.device });
      }
    }
    row = next;
  }
  return columns;
}

function runOf(mutation: Mutation, { table, version }: WaitingRow, row: JsonRow, input: PredictInput): Run {
  const { seq, op, keyText, base, hlc, key, patch, before } = mutation;
  return {
    op,
    policy: policyText(table),
    device: input.device,
    now_hlc: input.nowHlc,
    bound_ms: BOUND_MS,
    key_columns: table.key,
    mutations: [
      {
        seq: String(seq),
        key: keyText,
        base: base ?? (before === null ? null : version),
        hlc,
        row: JSON.stringify({ ...patch, ...key }),
        before: before === null ? null : JSON.stringify(before),
      },
    ],
    current: [JSON.stringify({ k: keyText, r: row })],
  };
}

/** The policies with the kinds of the columns, which `merge` decides by. */
function policyText({ policy, columns }: WaitingRow['table']): string {
  const types = Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, kindOf(type)]));
  return JSON.stringify({ types, ...(policy as JsonRow) });
}

const NUMBERS: ReadonlySet<string> = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric']);

const TEXTS: ReadonlySet<string> = new Set(['text', 'varchar', 'bpchar', 'citext']);

function kindOf(type: string): string {
  if (NUMBERS.has(type)) return 'number';
  if (TEXTS.has(type)) return 'text';
  if (type === 'json' || type === 'jsonb') return 'json';
  return type.startsWith('_') || type.endsWith('[]') ? 'array' : 'other';
}

/**
 * What the server would have on record: a column whose value is not what the device saw was written by others since.
 * A row that the device had never seen is all theirs.
 */
function stateOf(
  { keyText, base, patch, before }: Mutation,
  { version }: WaitingRow,
  row: JsonRow,
  mine: Stamps,
  clock: string,
): string {
  const theirs = `[${version},${clock},${JSON.stringify(OTHERS)}]`;
  const clocks = Object.keys(patch).flatMap((column) => {
    const own = mine.get(column);
    if (own !== undefined) return [stampText(column, `[${own.version},0,${JSON.stringify(own.device)}]`)];
    const isTheirs = before === null || !sameJson(before[column] ?? null, row[column] ?? null);
    return isTheirs && base !== null ? [stampText(column, theirs)] : [];
  });
  const life = base === null ? theirs : '[0,0,null]';
  return `{"key":${JSON.stringify(keyText)},"version":${version},"hlc":${clock},"life":${life},"clocks":{${clocks.join()}}}`;
}

function stampText(column: string, stamp: string): string {
  return `${JSON.stringify(column)}:${stamp}`;
}

function decideOne(core: Core, run: Run, state: string): Decision {
  return core.decide({ ...run, states: [state] })[0] as Decision;
}

interface LogEntry {
  readonly column: string;
  readonly base: Json;
  readonly mine: Json;
  readonly theirs: Json;
  readonly policy: string;
  readonly outcome: 'mine' | 'theirs' | 'merged' | 'manual';
}

function entryOf(
  column: string,
  early: Decision,
  late: Decision,
  result: Json | undefined,
): PredictedColumn | null {
  const [first, second] = [early, late].map(({ contested }) =>
    (JSON.parse(contested ?? '[]') as LogEntry[]).find((entry) => entry.column === column),
  );
  const entry = first ?? second;
  if (entry === undefined) return null;
  const { base, mine, theirs, policy } = entry;
  const asked = JSON.parse(early.calls ?? '[]') as { readonly column: string }[];
  const isAsked = asked.some((call) => call.column === column);
  const isKnown = result !== undefined && first?.outcome === second?.outcome && !isAsked;
  return isKnown
    ? { base, mine, theirs, policy, outcome: entry.outcome, result }
    : { base, mine, theirs, policy, outcome: 'unknown' };
}
