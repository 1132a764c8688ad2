/**
 * How far the device's clock is from the server's. Device clocks are wrong, so writes are stamped with corrected time.
 */

/** The best estimate so far, and the round trip it was taken from (shorter is better). */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

/** A new sample replaces the estimate unless its round trip was this many times longer than the best one. */
const WORSE_SAMPLE_FACTOR = 2;

/** A disagreement beyond this means that the device's clock was set, so the old estimate is worthless. */
const CLOCK_WAS_SET_MS = 60_000;

/**
 * Estimates the offset from one answer, assuming that the server looked at its clock halfway between sending and
 * receiving. Keeps `previous` when the new sample is clearly worse.
 */
export function estimateOffset(
  previous: ClockOffset | null,
  sample: { readonly sentAt: number; readonly receivedAt: number; readonly serverNow: number },
): ClockOffset {
  const roundTripMs = Math.max(0, sample.receivedAt - sample.sentAt);
  const offsetMs = Math.round(sample.serverNow - (sample.sentAt + roundTripMs / 2));
  const fresh = { offsetMs, roundTripMs };
  if (previous === null) return fresh;
  if (Math.abs(offsetMs - previous.offsetMs) > CLOCK_WAS_SET_MS) return fresh;
  return roundTripMs <= previous.roundTripMs * WORSE_SAMPLE_FACTOR ? fresh : previous;
}
