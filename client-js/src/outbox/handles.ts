/** What a write gives back to the app, and how the server's verdict reaches it. */

import { OfflineError } from '../errors.ts';
import type { JsonRow, Verdict } from '../types.ts';

/** Where a mutation is on its way, as a write handle shows it. */
export type WriteState = 'queued' | 'sent' | 'deferred' | 'synced' | 'conflict' | 'rejected' | 'discarded';

/** A write that is durable on this device. */
export interface WriteHandle {
  /** Its number in the outbox; undefined when the write changed nothing and so was not queued. */
  readonly seq: number | undefined;
  /** The key columns of the row. */
  readonly key: JsonRow;
  readonly state: WriteState;
  /**
   * The server's verdict. A rejection is a verdict too and resolves; the promise rejects only when no verdict can
   * come any more, with `OfflineError` `closed`. Never waiting for it is fine.
   */
  readonly synced: Promise<Verdict>;
}

class Handle implements WriteHandle {
  seq: number | undefined;
  state: WriteState;
  readonly synced: Promise<Verdict>;
  #resolve: (verdict: Verdict) => void = () => undefined;
  #reject: (error: OfflineError) => void = () => undefined;

  constructor(
    readonly key: JsonRow,
    seq: number | undefined,
  ) {
    this.seq = seq;
    this.state = 'queued';
    this.synced = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // An app that does not care for the verdict must not get an unhandled rejection for it.
    this.synced.catch(() => undefined);
  }

  settle(verdict: Verdict): void {
    this.state =
      verdict.status === 'applied' || verdict.status === 'merged' || verdict.status === 'unchanged'
        ? 'synced'
        : verdict.status;
    this.#resolve(verdict);
  }

  abandon(): void {
    this.#reject(new OfflineError('closed'));
  }
}

/** The handles that wait for a verdict, by seq. */
export class Handles {
  #waiting = new Map<number, Handle>();

  /** A handle for a queued mutation. */
  add(seq: number, key: JsonRow): WriteHandle {
    const handle = new Handle(key, seq);
    this.#waiting.set(seq, handle);
    return handle;
  }

  /** A handle for a write that changed nothing. */
  unchanged(key: JsonRow): WriteHandle {
    const handle = new Handle(key, undefined);
    handle.settle({ status: 'unchanged' });
    return handle;
  }

  progress(seqs: Iterable<number>, state: 'sent' | 'deferred'): void {
    for (const seq of seqs) {
      const handle = this.#waiting.get(seq);
      if (handle !== undefined) handle.state = state;
    }
  }

  settle(seq: number, verdict: Verdict): void {
    this.#waiting.get(seq)?.settle(verdict);
    this.#waiting.delete(seq);
  }

  /** Seqs that still wait. */
  seqs(): number[] {
    return [...this.#waiting.keys()];
  }

  /** The numbering changed; see `renumber`. */
  renumber(newSeqs: ReadonlyMap<number, number>): void {
    const renumbered = new Map<number, Handle>();
    for (const [seq, handle] of this.#waiting) {
      handle.seq = newSeqs.get(seq) ?? seq;
      renumbered.set(handle.seq, handle);
    }
    this.#waiting = renumbered;
  }

  /** No verdict will come any more. */
  abandonAll(): void {
    for (const handle of this.#waiting.values()) handle.abandon();
    this.#waiting.clear();
  }
}
