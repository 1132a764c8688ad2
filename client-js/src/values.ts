/** Values of rows: how an app's values become JSON, and when two of them are the same to the database. */

import { OfflineError } from './errors.ts';
import type { Json, JsonRow } from './types.ts';

/** Column types by column name, as far as the server has described them. */
export type ColumnTypes = { readonly [column: string]: string };

/** Types whose values travel as decimal strings. */
const DECIMAL_TYPES: ReadonlySet<string> = new Set(['int8', 'numeric']);

const TIME_TYPES: ReadonlySet<string> = new Set(['timestamptz', 'timestamp', 'date']);

/** Brings an app's row into the form in which rows travel. Columns whose value is `undefined` are left out. */
export function toJsonRow(values: object, types: ColumnTypes): JsonRow {
  const row: Record<string, Json> = {};
  for (const [column, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const json = toJson(value, column);
    row[column] =
      typeof json === 'number' && DECIMAL_TYPES.has(types[column] ?? '') ? decimalText(json, column) : json;
  }
  return row;
}

function toJson(value: unknown, column: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (value instanceof Uint8Array) return base64(value);
  if (Array.isArray(value)) return value.map((item) => toJson(item, column));
  if (typeof value === 'object' && isPlainObject(value)) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    return Object.fromEntries(entries.map(([name, item]) => [name, toJson(item, column)]));
  }
  throw new OfflineError('invalid_value', column);
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function decimalText(value: number, column: string): string {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new OfflineError('invalid_value', `${column}: ${value} is not exact`);
  }
  return String(value);
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The same JSON value, whatever the order of object keys. */
export function sameJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, i) => sameJson(item as Json, right[i] as Json));
  }
  const a = left as JsonRow;
  const b = right as JsonRow;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => name in b && sameJson(a[name], b[name]))
  );
}

/** Equality as `where` needs it: a number and its decimal string are equal in columns that travel as strings. */
export function equalValues(
  left: Json | undefined,
  right: Json | undefined,
  type: string | undefined,
): boolean {
  const a = left ?? null;
  const b = right ?? null;
  if (type !== undefined && DECIMAL_TYPES.has(type) && a !== null && b !== null) {
    return compareDecimals(String(a), String(b)) === 0;
  }
  return sameJson(a, b);
}

/**
 * Ascending order with nulls last, as Postgres sorts. Text is compared by code unit, which is the database's order
 * only for the collation "C".
 */
export function compareValues(
  left: Json | undefined,
  right: Json | undefined,
  type: string | undefined,
): number {
  const a = left ?? null;
  const b = right ?? null;
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (type !== undefined && DECIMAL_TYPES.has(type)) return compareDecimals(String(a), String(b));
  if (type !== undefined && TIME_TYPES.has(type)) {
    const byTime = Date.parse(String(a)) - Date.parse(String(b));
    if (byTime !== 0 && !Number.isNaN(byTime)) return byTime;
  }
  const x = typeof a === 'object' ? JSON.stringify(a) : String(a);
  const y = typeof b === 'object' ? JSON.stringify(b) : String(b);
  return x === y ? 0 : x < y ? -1 : 1;
}

const WHOLE_NUMBER = /^-?\d+$/;

/** Compares decimal texts: whole numbers exactly whatever their length, fractions as far as numbers tell them apart. */
export function compareDecimals(left: string, right: string): number {
  if (!WHOLE_NUMBER.test(left) || !WHOLE_NUMBER.test(right)) return Number(left) - Number(right);
  const difference = BigInt(left) - BigInt(right);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}
