// What the rows must be after everything has come together, computed from the edits alone: a second
// opinion on the merge, which shares no code with the product.
//
// Order of arrival decides nothing here except where the policy says so: then every device's last
// value is acceptable.

import { rowId } from '../tables.mjs';
import { isAccepted } from './facts.mjs';

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../../../../client-js/dist/index.js').Json} Json
 * @typedef {import('./facts.mjs').Fact} Fact
 *
 * @typedef {{ default: string, columns?: Record<string, string> }} Policy
 *
 * @typedef {object} Given
 * @property {Map<string, JsonRow>} base all rows of the story before the devices came back, by row id
 * @property {Fact[]} facts edits; those that are in the base are left out
 * @property {Record<string, Policy>} policies by table
 * @property {Resolution[]} resolutions what a person decided afterwards
 *
 * @typedef {{ rowId: string, column: string, value: Json }} Resolution
 *
 * @typedef {object} ExpectedRow
 * @property {string} id
 * @property {JsonRow} key
 * @property {Map<string, Json[]>} columns acceptable values; columns that nobody knows are left out
 * @property {Set<string>} counters columns that are sums
 *
 * @typedef {{ fact: Fact, value: Json }} Write
 */

/**
 * @param {Given} given
 * @returns {Map<string, ExpectedRow>} by row id
 */
export function expectedRows({ base, facts, policies, resolutions }) {
  const accepted = facts.filter((fact) => !fact.isInBase && isAccepted(fact));
  const byRow = groupBy(accepted, rowOf);
  /** @type {Map<string, ExpectedRow>} */
  const rows = new Map();
  for (const id of new Set([...base.keys(), ...byRow.keys()])) {
    const edits = byRow.get(id) ?? [];
    if (!exists(base.get(id), edits)) continue;
    rows.set(id, expectedRow(id, base.get(id), edits, policies));
  }
  for (const { rowId: id, column, value } of resolutions)
    rows.get(id)?.columns.set(column, [value]);
  return withoutOrphans(rows);
}

/** @param {Fact} fact */
const rowOf = ({ edit }) => rowId(edit.table, edit.key);

/**
 * A row that somebody deleted stays where somebody else edited it: nothing that a person wrote
 * disappears.
 *
 * @param {JsonRow | undefined} base
 * @param {Fact[]} edits
 */
function exists(base, edits) {
  const isMade = base !== undefined || edits.some(({ edit }) => edit.op !== 'delete');
  const deletion = edits.find(({ edit }) => edit.op === 'delete');
  if (!isMade || deletion === undefined) return isMade;
  return edits.some(({ edit, device }) => edit.op !== 'delete' && device !== deletion.device);
}

/**
 * @param {string} id
 * @param {JsonRow | undefined} base
 * @param {Fact[]} edits
 * @param {Record<string, Policy>} policies
 * @returns {ExpectedRow}
 */
function expectedRow(id, base, edits, policies) {
  const policy = policies[id.slice(0, id.indexOf('/'))];
  const key = edits[0]?.edit.key ?? {};
  /** @type {Map<string, Json[]>} */
  const columns = new Map(Object.entries(base ?? key).map(([column, value]) => [column, [value]]));
  /** @type {Map<string, Write[]>} */
  const writes = new Map();
  for (const fact of edits) {
    for (const [column, value] of Object.entries(fact.sent)) {
      writes.set(column, [...(writes.get(column) ?? []), { fact, value }]);
    }
  }
  /** @type {Set<string>} */
  const counters = new Set();
  for (const [column, written] of writes) {
    const rule = policy.columns?.[column] ?? policy.default;
    const known = base?.[column];
    if (rule === 'counter' && known !== undefined) counters.add(column);
    columns.set(column, acceptable(rule, column, known, written));
  }
  return { id, key, columns, counters };
}

/**
 * @param {string} rule the column's merge policy
 * @param {string} column
 * @param {Json | undefined} base
 * @param {Write[]} writes in the order of each device's edits
 * @returns {Json[]}
 */
function acceptable(rule, column, base, writes) {
  const values = writes.map(({ value }) => value);
  const all = base === undefined || base === null ? values : [base, ...values];
  switch (rule) {
    case 'counter': {
      const added = writes.map(({ fact }) => fact.edit.add?.[column] ?? 0);
      return base === undefined ? values : [added.reduce((sum, by) => sum + by, Number(base))];
    }
    case 'max':
      return [all.reduce((best, value) => (isLess(best, value) ? value : best))];
    case 'min':
      return [all.reduce((best, value) => (isLess(value, best) ? value : best))];
    case 'last_write_wins':
      return [latest(writes).value];
    case 'client_wins':
    case 'server_wins':
    case 'manual':
      return lastOfEachDevice(writes);
    default:
      throw new Error(`the verification does not know the policy ${rule}`);
  }
}

/** @param {Write[]} writes */
const latest = (writes) =>
  writes.reduce((best, write) => (isLater(write.fact, best.fact) ? write : best));

/** @param {Fact} a @param {Fact} b */
function isLater(a, b) {
  const [clockA, clockB] = [a.hlc ?? 0n, b.hlc ?? 0n];
  return clockA === clockB ? a.deviceId > b.deviceId : clockA > clockB;
}

/** @param {Write[]} writes */
function lastOfEachDevice(writes) {
  return [...new Map(writes.map(({ fact, value }) => [fact.device, value])).values()];
}

/** Numbers by value, times by time. @param {Json} a @param {Json} b */
function isLess(a, b) {
  if (typeof a === 'string' && typeof b === 'string') return Date.parse(a) < Date.parse(b);
  return Number(a) < Number(b);
}

/** Tasks go with their note. @param {Map<string, ExpectedRow>} rows */
function withoutOrphans(rows) {
  return new Map(
    [...rows].filter(([, { columns }]) => {
      const parent = columns.get('note_id')?.[0];
      return parent === undefined || rows.has(rowId('note', { id: parent }));
    }),
  );
}

/**
 * `Map.groupBy` for Node 20.
 *
 * @template T
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @returns {Map<string, T[]>}
 */
function groupBy(items, keyOf) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
