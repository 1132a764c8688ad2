/**
 * How far the device's clock is from the server's. Device clocks are wrong, so writes are stamped with corrected time.
 */

/** The best estimate so far, and the round trip it was taken from (shorter is better). */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly roundTripMs: number;
  /** When it was taken, by the device; absent in what older versions of this client stored. */
  readonly takenAt?: number;
}

/** Clocks drift apart: an older estimate gives way to any newer one. */
const AGE_MAX_MS = 30 * 60_000;

/** What two estimates may differ by, besides their uncertainty, while nobody sets the clock. */
const DRIFT_MS = 1_000;

/** No call lasts longer, so the clock was set while it was under way; then only its end says something. */
const ROUND_TRIP_MAX_MS = 60_000;

/**
 * Estimates the offset from one answer: the server looked at its clock between sending and receiving, most likely
 * halfway. The sample with the shortest round trip stays, unless it is old, or the two cannot both be true because the
 * device's clock was set.
 */
export function estimateOffset(
  previous: ClockOffset | null,
  sample: { readonly sentAt: number; readonly receivedAt: number; readonly serverNow: number },
): ClockOffset {
  const fresh = measure(sample);
  if (previous === null) return fresh;
  const age = sample.receivedAt - (previous.takenAt ?? Number.NEGATIVE_INFINITY);
  if (age < 0 || age > AGE_MAX_MS) return fresh;
  const uncertainty = (fresh.roundTripMs + previous.roundTripMs) / 2 + DRIFT_MS;
  if (Math.abs(fresh.offsetMs - previous.offsetMs) > uncertainty) return fresh;
  return fresh.roundTripMs <= previous.roundTripMs ? fresh : previous;
}

function measure({
  sentAt,
  receivedAt,
  serverNow,
}: {
  readonly sentAt: number;
  readonly receivedAt: number;
  readonly serverNow: number;
}): ClockOffset {
  const roundTripMs = receivedAt - sentAt;
  if (roundTripMs < 0 || roundTripMs > ROUND_TRIP_MAX_MS) {
    return {
      offsetMs: Math.round(serverNow - receivedAt),
      roundTripMs: ROUND_TRIP_MAX_MS,
      takenAt: receivedAt,
    };
  }
  return { offsetMs: Math.round(serverNow - sentAt - roundTripMs / 2), roundTripMs, takenAt: receivedAt };
}
