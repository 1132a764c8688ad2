/** How long to wait before the next attempt. Pure. */

export interface BackoffOptions {
  /** Upper bound of the first delay. */
  readonly baseMs: number;
  /** Upper bound of every delay. */
  readonly maxMs: number;
}

export const BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 5 * 60_000 };

/**
 * Exponential with full jitter: anything from 0 to the bound, so that devices that failed together do not come back
 * together. `attempt` counts from 0; `random` is in [0, 1).
 */
export function backoffDelay(attempt: number, random: number, options: BackoffOptions = BACKOFF): number {
  const bound = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random * bound);
}
