/** Everything that belongs to one user on this device: store, outbox, sync loop, wake-ups. */

import { ConflictList } from './conflict/conflicts.ts';
import { defaultLocks, type Locks, processLocks } from './locks.ts';
import { Rpc } from './net/rpc.ts';
import { supabaseTransport } from './net/transport.ts';
import type { ResolvedOptions } from './options.ts';
import { Handles } from './outbox/handles.ts';
import { Outbox } from './outbox/outbox.ts';
import { WakeUps } from './realtime/wake.ts';
import type { StatusStore } from './status.ts';
import { LocalStore } from './store/local-store.ts';
import type { StoreChange } from './store/mirror.ts';
import { SyncCycle } from './sync/cycle.ts';
import { SyncLoop } from './sync/loop.ts';
import { requireSession } from './sync/session.ts';

/** Version of the stored format: part of the storage's name, so that a newer one never misreads an older. */
const FORMAT = 'v1';

export class UserSpace {
  readonly conflicts: ConflictList;
  readonly outbox: Outbox;
  readonly loop: SyncLoop;
  readonly #handles = new Handles();
  readonly #wake: WakeUps | null;
  readonly rpc: Rpc;
  readonly #status: StatusStore;
  #topics: readonly string[] = [];

  private constructor(
    readonly userId: string,
    readonly store: LocalStore,
    locks: Locks,
    options: ResolvedOptions,
    status: StatusStore,
  ) {
    const { clock, random, newId } = options;
    this.#status = status;
    this.rpc = new Rpc({
      transport: options.transport ?? supabaseTransport(options.supabase),
      clock,
      timeoutMs: options.requestTimeoutMs,
    });
    this.conflicts = new ConflictList(store, this.rpc);
    const cycle = new SyncCycle({
      store,
      rpc: this.rpc,
      clock,
      handles: this.#handles,
      models: options.models,
      tables: new Map([...store.tables.values()].map((spec) => [spec.qualified, spec])),
      newDeviceId: newId,
      locks,
      requireSession: () => this.rpc.bounded(() => requireSession(options.supabase.auth, userId)),
      conflicts: this.conflicts,
      onPhase: (phase) => status.set({ phase, paused: null }),
    });
    this.loop = new SyncLoop({
      runCycle: () => cycle.run(),
      clock,
      random,
      network: options.network,
      status,
      pullIntervalMs: options.pullIntervalMs,
    });
    this.outbox = new Outbox({
      store,
      handles: this.#handles,
      clock,
      newId,
      onQueued: () => this.loop.request('write'),
    });
    this.#wake = options.realtime
      ? new WakeUps({
          supabase: options.supabase,
          random,
          userId,
          onWake: (delayMs) => this.loop.request('wake', delayMs),
          onState: (realtime) => status.set({ realtime }),
        })
      : null;
    store.subscribe((change) => this.#onChange(change));
    this.#onChange({ tables: new Set(), outbox: true, conflicts: true, sync: true, reloaded: false });
  }

  /** Opens the user's store. Does not touch the network. */
  static async open(userId: string, options: ResolvedOptions, status: StatusStore): Promise<UserSpace> {
    const name = `pos:${options.project}:${userId}:${FORMAT}`;
    const storage = await options.storage(name);
    // What lasts for this session only is not shared with other tabs.
    const locks = options.locks ?? (storage.kind === 'session-only' ? processLocks() : defaultLocks());
    const store = await LocalStore.open({
      storage,
      locks,
      name,
      tables: options.tables,
      userId,
      newDeviceId: options.newId,
    });
    status.set({ userId, storage: storage.kind });
    return new UserSpace(userId, store, locks, options, status);
  }

  /** Stops syncing and closes the store. What is stored stays. */
  async close(): Promise<void> {
    await this.#stop();
    await this.store.close();
  }

  /** Stops syncing and removes everything that this user has on this device. */
  async destroy(): Promise<void> {
    await this.#stop();
    await this.store.destroy();
  }

  async #stop(): Promise<void> {
    this.#wake?.close();
    this.rpc.end();
    await this.loop.stop();
    this.#handles.abandonAll();
  }

  #onChange({ outbox, conflicts, sync, reloaded }: StoreChange): void {
    const { mirror } = this.store;
    if (outbox) {
      this.#status.set({ pending: mirror.pendingCount, rejected: mirror.rejected.size });
    }
    if (reloaded) this.#settleElsewhere();
    if (conflicts) this.#status.set({ conflicts: mirror.conflicts.size });
    if (!sync) return;
    const { lastPulledAt, lastPushedAt, topics } = mirror.sync;
    this.#status.set({ lastPulledAt, lastPushedAt });
    if (topics === this.#topics) return;
    this.#topics = topics;
    this.#wake?.listenTo(topics);
  }

  /** Another tab may have brought the verdict of a write that was made here. */
  #settleElsewhere(): void {
    const { outbox, rejected } = this.store.mirror;
    for (const seq of this.#handles.seqs()) {
      const state = outbox.get(seq)?.state;
      if (state !== undefined && state !== 'confirmed') continue;
      const error = rejected.get(seq)?.error;
      this.#handles.settle(seq, error === undefined ? { status: 'applied' } : { status: 'rejected', error });
    }
  }
}
