/** Decides when a sync cycle runs. Wake-ups, focus and the like are hints; the timers alone would do. */

import type { Clock } from '../clock/clock.ts';
import { OfflineError } from '../errors.ts';
import { SyncFailure } from '../net/classify.ts';
import type { NetworkMonitor } from '../net/network.ts';
import type { StatusStore } from '../status.ts';
import type { PausedReason } from '../types.ts';
import { backoffDelay } from './backoff.ts';

/** What may start a cycle. */
export type Trigger = 'write' | 'wake' | 'online' | 'focus' | 'auth' | 'resume' | 'start';

/** How a cycle ended. */
export type SyncOutcome =
  | { readonly status: 'synced' }
  | { readonly status: 'paused'; readonly reason: PausedReason; readonly error: OfflineError };

export interface LoopOptions {
  readonly runCycle: () => Promise<void>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly network: NetworkMonitor;
  readonly status: StatusStore;
  /** A pull is made at least this often, give or take a tenth. */
  readonly pullIntervalMs: number;
}

/** Writes made within this time travel together. */
const WRITE_DELAY_MS = 20;

/** These mean that the cause of the last failure may be gone. */
const FRESH_START: ReadonlySet<Trigger> = new Set(['online', 'auth', 'resume', 'start']);

export class SyncLoop {
  readonly #options: LoopOptions;
  readonly #unsubscribe: () => void;
  #waiters: ((outcome: SyncOutcome) => void)[] = [];
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #pausedByUser = false;
  #failures = 0;
  #cancelTimer: () => void = () => undefined;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#unsubscribe = options.network.subscribe((event) => {
      if (event !== 'offline') this.request(event);
    });
  }

  /** Asks for a cycle soon. `delayMs` lets callers spread out, or gather more. */
  request(trigger: Trigger, delayMs = trigger === 'write' ? WRITE_DELAY_MS : 0): void {
    if (this.#stopped || this.#pausedByUser) return;
    if (FRESH_START.has(trigger)) this.#failures = 0;
    // A new write does not make a server that just failed any better; the retry timer will take it along.
    if (trigger === 'write' && this.#failures > 0) return;
    if (this.#running !== null) this.#again = true;
    else this.#schedule(delayMs);
  }

  /** Runs a cycle that begins after this call. Never rejects: what stops it is the outcome. */
  sync(): Promise<SyncOutcome> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#start();
    });
  }

  pause(): void {
    this.#pausedByUser = true;
    this.#cancel();
    this.#options.status.set({ phase: 'paused', paused: 'user', nextRetryAt: null });
  }

  resume(): void {
    if (!this.#pausedByUser) return;
    this.#pausedByUser = false;
    this.#options.status.set({ phase: 'idle', paused: null });
    this.request('resume');
  }

  /** Ends it for good, once a cycle under way has come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.#cancel();
    await this.#running;
  }

  #start(): void {
    this.#cancel();
    if (this.#running !== null) {
      this.#again = true;
      return;
    }
    this.#running = this.#runUntilQuiet().finally(() => {
      this.#running = null;
    });
  }

  async #runUntilQuiet(): Promise<void> {
    let outcome: SyncOutcome;
    do {
      this.#again = false;
      const waiters = this.#waiters.splice(0);
      outcome = await this.#attempt();
      for (const resolve of waiters) resolve(outcome);
    } while (this.#waiters.length > 0 || (this.#again && outcome.status === 'synced' && !this.#stopped));
    this.#planNext(outcome);
  }

  async #attempt(): Promise<SyncOutcome> {
    const { runCycle, network, status } = this.#options;
    const hindrance = this.#hindrance();
    if (hindrance !== null) return hindrance;
    if (network.isOffline()) {
      return pausedBy('offline', new OfflineError('offline'));
    }
    try {
      await runCycle();
      this.#failures = 0;
      status.set({ phase: 'idle', paused: null, error: null, nextRetryAt: null });
      return { status: 'synced' };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  #hindrance(): SyncOutcome | null {
    if (this.#stopped) return pausedBy('user', new OfflineError('closed'));
    if (this.#pausedByUser) return pausedBy('user', new OfflineError('closed', 'paused'));
    return null;
  }

  /** The next cycle by itself: after a success slowly, after a failure with backoff. It needs no new write. */
  #planNext(outcome: SyncOutcome): void {
    const { random, clock, status, pullIntervalMs } = this.#options;
    if (this.#stopped) return;
    if (outcome.status === 'synced') {
      this.#schedule(pullIntervalMs * (0.9 + 0.2 * random()));
      return;
    }
    const { reason, error } = outcome;
    if (this.#pausedByUser) {
      status.set({ phase: 'paused', paused: 'user', nextRetryAt: null });
      return;
    }
    const delay = backoffDelay(this.#failures, random());
    this.#failures += 1;
    this.#schedule(delay);
    status.set({ phase: 'paused', paused: reason, error, nextRetryAt: clock.now() + delay });
  }

  /** One timer; the earlier time wins. */
  #schedule(delayMs: number): void {
    const { clock } = this.#options;
    const dueAt = clock.now() + delayMs;
    if (dueAt >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = dueAt;
    this.#cancelTimer = clock.after(delayMs, () => this.#start());
  }

  #cancel(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}

function pausedBy(reason: PausedReason, error: OfflineError): SyncOutcome {
  return { status: 'paused', reason, error };
}

/** Whatever goes wrong in a cycle ends as a status, never as a rejection that nobody handles. */
function outcomeOf(error: unknown): SyncOutcome {
  if (error instanceof SyncFailure) return pausedBy(error.reason, error.error);
  if (error instanceof OfflineError) return pausedBy(error.code === 'quota' ? 'quota' : 'server', error);
  return pausedBy('server', new OfflineError('storage', String(error), { cause: error }));
}
