/** One immutable snapshot that is enough to draw every badge. */

import type { OfflineError } from './errors.ts';
import type { StorageKind } from './storage/storage.ts';
import type { PausedReason } from './types.ts';

export interface Status {
  readonly phase: 'idle' | 'pushing' | 'pulling' | 'paused';
  /** Why nothing is sent or fetched; null unless `phase` is `paused`. */
  readonly paused: PausedReason | null;
  /** Whose data is open on this device; null before the first sign-in. */
  readonly userId: string | null;
  readonly realtime: 'off' | 'joining' | 'joined';
  /** Mutations without a final verdict. */
  readonly pending: number;
  /** Mutations that the server refused and nobody has decided about. */
  readonly rejected: number;
  readonly conflicts: number;
  /** Milliseconds since 1970 by the device's clock; null: never. */
  readonly lastPulledAt: number | null;
  readonly lastPushedAt: number | null;
  /** When the next attempt is made after a failed one; null when none is planned. */
  readonly nextRetryAt: number | null;
  readonly storage: StorageKind | null;
  /** What went wrong last; null once a cycle has succeeded. */
  readonly error: OfflineError | null;
}

export const INITIAL_STATUS: Status = {
  phase: 'idle',
  paused: null,
  userId: null,
  realtime: 'off',
  pending: 0,
  rejected: 0,
  conflicts: 0,
  lastPulledAt: null,
  lastPushedAt: null,
  nextRetryAt: null,
  storage: null,
  error: null,
};

/** A value that can be read at any time and watched. Fits `useSyncExternalStore`. */
export interface Watchable<T> {
  get(): T;
  /** Calls `listener` after each change, never while subscribing. Returns what ends it. */
  subscribe(listener: (value: T) => void): () => void;
}

export class StatusStore implements Watchable<Status> {
  readonly #listeners = new Set<(status: Status) => void>();
  #status = INITIAL_STATUS;

  get(): Status {
    return this.#status;
  }

  subscribe(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The snapshot is replaced, and listeners called, only when something differs. */
  set(change: Partial<Status>): void {
    const next = { ...this.#status, ...change };
    const names = Object.keys(change) as (keyof Status)[];
    if (names.every((name) => next[name] === this.#status[name])) return;
    this.#status = next;
    for (const listener of [...this.#listeners]) listener(next);
  }
}
