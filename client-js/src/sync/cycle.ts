/** One sync cycle: session, registration, push, pull, conflicts. One at a time over all tabs. */

import type { ConflictList } from '../conflict/conflicts.ts';
import type { Locks } from '../locks.ts';
import { SyncFailure } from '../net/classify.ts';
import type { SyncContext } from './context.ts';
import { Puller } from './pull.ts';
import { Pusher } from './push.ts';
import { registerDevice } from './recover.ts';

export type CyclePhase = 'pushing' | 'pulling';

export interface CycleOptions extends SyncContext {
  readonly locks: Locks;
  /** Rejects with `SyncFailure` when the user has no session. */
  readonly requireSession: () => Promise<void>;
  readonly conflicts: ConflictList;
  readonly onPhase: (phase: CyclePhase) => void;
}

export class SyncCycle {
  readonly #options: CycleOptions;
  readonly #pusher: Pusher;
  readonly #puller: Puller;
  #isRegistered = false;

  constructor(options: CycleOptions) {
    this.#options = options;
    this.#pusher = new Pusher(options);
    this.#puller = new Puller(options);
  }

  /** Rejects with `SyncFailure`; what was achieved until then is kept. */
  run(): Promise<void> {
    const { locks, store } = this.#options;
    return locks.request(`${store.name}:sync`, () => this.#withRegistration());
  }

  /** A server that does not know the device (it was restored, or replaced) is told about it once. */
  async #withRegistration(): Promise<void> {
    await this.#options.requireSession();
    const wasRegistered = this.#isRegistered;
    try {
      await this.#pushAndPull();
    } catch (failure) {
      const isUnknown = failure instanceof SyncFailure && failure.action === 'register';
      if (!isUnknown || !wasRegistered) throw failure;
      this.#isRegistered = false;
      await this.#pushAndPull();
    }
  }

  async #pushAndPull(): Promise<void> {
    const { onPhase, conflicts } = this.#options;
    onPhase('pushing');
    if (!this.#isRegistered) await this.#register();
    await this.#pusher.run();
    onPhase('pulling');
    const waiting = await this.#puller.run();
    await conflicts.refreshIfDifferent(waiting);
  }

  async #register(): Promise<void> {
    const acked = await registerDevice(this.#options);
    if (await this.#pusher.checkNumbering(acked)) await registerDevice(this.#options);
    this.#isRegistered = true;
  }
}
