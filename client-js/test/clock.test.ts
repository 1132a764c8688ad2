import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HLC_ZERO, observe, tick } from '../src/clock/hlc.ts';
import { estimateOffset } from '../src/clock/offset.ts';
import { backoffDelay } from '../src/sync/backoff.ts';
import { uuidV7 } from '../src/uuid.ts';

const millis = fc.integer({ min: 0, max: 2 ** 47 });
const hlc = fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }).map(String);

describe('hybrid logical clock', () => {
  it('packs 48 bits of milliseconds above a 16-bit counter', () => {
    const now = 1_773_070_000_000;
    expect(tick(HLC_ZERO, now)).toBe(String(BigInt(now) * 65_536n));
    expect(tick(tick(HLC_ZERO, now), now)).toBe(String(BigInt(now) * 65_536n + 1n));
  });

  it('never goes back and never repeats, whatever the device’s clock does', () => {
    fc.assert(
      fc.property(hlc, fc.array(millis, { minLength: 1 }), (start, readings) => {
        let state = start;
        for (const now of readings) {
          const next = tick(state, now);
          expect(BigInt(next) > BigInt(state)).toBe(true);
          state = next;
        }
      }),
    );
  });

  it('is later than everything it has seen', () => {
    fc.assert(
      fc.property(hlc, hlc, millis, (state, remote, now) => {
        const next = BigInt(observe(state, remote, now));
        expect(next > BigInt(state) && next > BigInt(remote)).toBe(true);
        expect(next >= BigInt(now) << 16n).toBe(true);
      }),
    );
  });

  it('carries into the milliseconds when the counter is full', () => {
    expect(tick(String((5n << 16n) + 65_535n), 0)).toBe(String(6n << 16n));
  });
});

describe('clock offset', () => {
  const sample = (offset: number, roundTrip: number) => ({
    sentAt: 1_000,
    receivedAt: 1_000 + roundTrip,
    serverNow: 1_000 + roundTrip / 2 + offset,
  });

  it('is the server’s time against the middle of the call', () => {
    expect(estimateOffset(null, sample(250, 80))).toMatchObject({ offsetMs: 250, roundTripMs: 80 });
    expect(estimateOffset(null, sample(-90_000, 0))).toMatchObject({ offsetMs: -90_000, roundTripMs: 0 });
  });

  it('keeps the sample with the shortest round trip', () => {
    const good = estimateOffset(null, sample(250, 40));
    expect(estimateOffset(good, sample(900, 4_000))).toBe(good);
    expect(estimateOffset(good, sample(240, 60))).toBe(good);
    expect(estimateOffset(good, sample(240, 30))).toMatchObject({ offsetMs: 240, roundTripMs: 30 });
  });

  it('believes any sample once the device’s clock was set', () => {
    const before = estimateOffset(null, sample(250, 10));
    expect(estimateOffset(before, sample(3_600_000, 4_000)).offsetMs).toBe(3_600_000);
    // Less than the round trips leave open is no proof of that.
    expect(estimateOffset(before, sample(2_000, 4_000))).toBe(before);
  });

  it('does not trust an old estimate for ever', () => {
    const old = estimateOffset(null, sample(250, 10));
    const later = (ms: number) => ({ sentAt: ms, receivedAt: ms + 400, serverNow: ms + 200 + 251 });
    expect(estimateOffset(old, later(60_000))).toBe(old);
    expect(estimateOffset(old, later(3_600_000))).toMatchObject({ offsetMs: 251, roundTripMs: 400 });
  });

  it('does not take a clock set back during a call for a perfect sample', () => {
    const jumped = estimateOffset(null, { sentAt: 100_000, receivedAt: 40_000, serverNow: 100_020 });
    expect(jumped).toMatchObject({ offsetMs: 60_020, roundTripMs: 60_000 });
    const good = estimateOffset(jumped, { sentAt: 41_000, receivedAt: 41_020, serverNow: 101_020 });
    expect(good).toMatchObject({ offsetMs: 60_010, roundTripMs: 20 });
  });

  it('is right to half a round trip, however the device’s clock jumps between calls', () => {
    const call = fc.record({
      clockMs: fc.integer({ min: 0, max: Date.UTC(2099, 0) }),
      there: fc.integer({ min: 0, max: 2_000 }),
      back: fc.integer({ min: 0, max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(call, { minLength: 1 }), (calls) => {
        let serverNow = Date.UTC(2026, 0);
        let estimate: ReturnType<typeof estimateOffset> | null = null;
        for (const { clockMs, there, back } of calls) {
          serverNow += 1_000;
          estimate = estimateOffset(estimate, {
            sentAt: clockMs,
            receivedAt: clockMs + there + back,
            serverNow,
          });
          const actual = serverNow - (clockMs + there);
          // A sample is off by half its round trip; a kept estimate differs from it by both uncertainties and what counts
          // as drift.
          const bound = there + back + estimate.roundTripMs / 2 + 1_001;
          expect(Math.abs(estimate.offsetMs - actual)).toBeLessThanOrEqual(bound);
        }
      }),
    );
  });
});

describe('backoff', () => {
  it('is anything from nothing to a bound that doubles up to its maximum', () => {
    const options = { baseMs: 1_000, maxMs: 10_000 };
    const bounds = [0, 1, 2, 3, 4, 60].map((attempt) => backoffDelay(attempt, 0.999_999, options));
    expect(bounds).toEqual([999, 1_999, 3_999, 7_999, 9_999, 9_999]);
    expect(backoffDelay(5, 0, options)).toBe(0);
  });
});

describe('ids', () => {
  it('are UUIDv7: sorted by the millisecond, and valid', () => {
    const random = () => 0.7;
    const earlier = uuidV7(1_773_070_000_000, random);
    const later = uuidV7(1_773_070_000_001, random);
    expect(earlier).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(earlier < later).toBe(true);
    expect(Number.parseInt(earlier.replaceAll('-', '').slice(0, 12), 16)).toBe(1_773_070_000_000);
  });
});
