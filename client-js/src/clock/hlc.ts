/**
 * Hybrid logical clock: 48 bits of milliseconds since 1970 and a 16-bit counter, as one unsigned 64-bit number that
 * travels as a decimal string. Pure; the caller brings the time. Kept in one file because it is to be replaced by
 * the shared core.
 */

const COUNTER_BITS = 16n;
const COUNTER_MAX = (1n << COUNTER_BITS) - 1n;
const MILLIS_MAX = (1n << 48n) - 1n;

/** A clock value as a decimal string. */
export type Hlc = string;

export const HLC_ZERO: Hlc = '0';

interface Parts {
  readonly millis: bigint;
  readonly counter: bigint;
}

function unpack(value: Hlc): Parts {
  const bits = BigInt(value);
  return { millis: bits >> COUNTER_BITS, counter: bits & COUNTER_MAX };
}

/** Milliseconds since 1970. */
export function hlcMillis(value: Hlc): number {
  return Number(unpack(value).millis);
}

/** A full counter carries into the milliseconds, so values never repeat and never go back. */
function pack({ millis, counter }: Parts): Hlc {
  return ((millis << COUNTER_BITS) + counter).toString();
}

function wallMillis(nowMs: number): bigint {
  const millis = BigInt(Math.max(0, Math.trunc(nowMs)));
  return millis > MILLIS_MAX ? MILLIS_MAX : millis;
}

/** The clock value of a new local event: later than `state`, and not before `nowMs`. */
export function tick(state: Hlc, nowMs: number): Hlc {
  const last = unpack(state);
  const wall = wallMillis(nowMs);
  return wall > last.millis
    ? pack({ millis: wall, counter: 0n })
    : pack({ millis: last.millis, counter: last.counter + 1n });
}

/** The state after having seen `remote`: what is written from now on is later than both. */
export function observe(state: Hlc, remote: Hlc, nowMs: number): Hlc {
  const latest = BigInt(state) > BigInt(remote) ? state : remote;
  return tick(latest, nowMs);
}
