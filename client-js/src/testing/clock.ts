/** A clock that stands still until a test moves it. */

import type { Clock } from '../clock/clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on, runs what falls due in order, and lets everything that this starts come to rest. */
  advance(ms: number): Promise<void>;
  /** Sets the device's clock without any time passing, as a user does. */
  set(nowMs: number): void;
}

interface Timer {
  readonly dueAt: number;
  readonly task: () => void;
}

/** Turns of the event loop after which promises that do no real I/O have settled. */
const SETTLE_TURNS = 20;

export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let elapsed = 0;
  let offset = startMs;
  let timers: Timer[] = [];
  const nextDue = (until: number): Timer | undefined =>
    timers.filter(({ dueAt }) => dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0];
  return {
    now: () => offset + elapsed,
    after(delayMs, task) {
      const timer = { dueAt: elapsed + delayMs, task };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (let timer = nextDue(until); timer !== undefined; timer = nextDue(until)) {
        const due = timer;
        timers = timers.filter((other) => other !== due);
        elapsed = Math.max(elapsed, due.dueAt);
        due.task();
        await settle();
      }
      elapsed = until;
    },
    set(nowMs) {
      offset = nowMs - elapsed;
    },
  };
}

/** Lets everything come to rest that needs no timer and no real I/O. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) {
    await new Promise<void>((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        resolve();
      };
      channel.port2.postMessage(null);
    });
  }
}
