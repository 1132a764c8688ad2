/** One call: with a time limit, timed for the clock estimate, and failing as a classified error. */

import type { Clock } from '../clock/clock.ts';
import { SyncFailure, toSyncFailure } from './classify.ts';
import type { RpcArguments, RpcFunction, Transport } from './transport.ts';

/** An answer, and when it was asked for and received by the device's clock. */
export interface TimedAnswer {
  readonly data: unknown;
  readonly sentAt: number;
  readonly receivedAt: number;
}

export interface RpcOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** After this long without an answer the call counts as unanswered. */
  readonly timeoutMs: number;
}

export class Rpc {
  readonly #options: RpcOptions;
  readonly #running = new Set<AbortController>();
  #isEnded = false;

  constructor(options: RpcOptions) {
    this.#options = options;
  }

  /** Rejects with `SyncFailure`. */
  async call(fn: RpcFunction, args: RpcArguments): Promise<TimedAnswer> {
    const { transport, clock } = this.#options;
    const sentAt = clock.now();
    const answer = await this.bounded((signal) => transport.call(fn, args, signal));
    if (!answer.ok) throw toSyncFailure(answer);
    return { data: answer.data, sentAt, receivedAt: clock.now() };
  }

  /**
   * Waits for `work` no longer than the time limit, nor after {@link end}, whether it heeds its signal or not. Then
   * rejects with `SyncFailure` `offline`.
   */
  async bounded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#isEnded) throw unanswered();
    const abort = new AbortController();
    this.#running.add(abort);
    const cancelTimeout = this.#options.clock.after(this.#options.timeoutMs, () => abort.abort());
    try {
      return await Promise.race([work(abort.signal), rejectOnAbort(abort.signal)]);
    } finally {
      cancelTimeout();
      this.#running.delete(abort);
    }
  }

  /** Ends everything under way as unanswered, and everything that is still to come. */
  end(): void {
    this.#isEnded = true;
    for (const running of this.#running) running.abort();
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(unanswered()));
  });
}

function unanswered(): SyncFailure {
  return new SyncFailure('retry', 'offline', 'offline', 'no answer in time');
}
