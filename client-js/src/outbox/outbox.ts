/** The outbox: accepts writes, shows what waits, gives up or repeats what the user decides. */

import type { Clock } from '../clock/clock.ts';
import { OfflineError, type ServerError } from '../errors.ts';
import type { Draft } from '../store/draft.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { JsonRow, Mutation, MutationState, Operation } from '../types.ts';
import { addIntent, type BuildContext, type Built, type Intent } from './build.ts';
import { assertFits } from './envelope.ts';
import type { Handles, WriteHandle } from './handles.ts';
import { dependents, peers, repeat } from './relations.ts';

/** A line of the outbox, as an app shows it. */
export interface OutboxEntry {
  readonly seq: number;
  readonly op: Operation;
  readonly table: string;
  readonly key: JsonRow;
  readonly patch: JsonRow;
  readonly before: JsonRow | null;
  readonly after: readonly number[];
  readonly group: string | null;
  readonly createdAt: number;
  readonly state: MutationState | 'rejected';
  /** Why the server refused it. */
  readonly error: ServerError | null;
}

export interface WriteOptions {
  /** Writes of this device that must have succeeded, as handles or seqs; else this one falls with them. */
  readonly after?: readonly (WriteHandle | number)[];
}

interface Request {
  readonly intents: readonly Intent[];
  readonly grouped: boolean;
  readonly options: WriteOptions;
  readonly resolve: (handles: WriteHandle[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface OutboxOptions {
  readonly store: LocalStore;
  readonly handles: Handles;
  readonly clock: Clock;
  readonly newId: () => string;
  /** Called after mutations were queued. */
  readonly onQueued: () => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #requests: Request[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /**
   * Queues what the intents change, in one durable commit together with other writes that wait for the same commit.
   * `grouped`: the server applies all of them or none. Nothing is queued when one of them is refused.
   */
  enqueue(intents: readonly Intent[], grouped: boolean, options: WriteOptions = {}): Promise<WriteHandle[]> {
    return new Promise((resolve, reject) => {
      this.#requests.push({ intents, grouped, options, resolve, reject });
      // The first to ask commits for all that ask until the lock is granted.
      if (this.#requests.length === 1) void this.#commitRequests();
    });
  }

  /** Everything that has no final verdict, and what was rejected, in order. */
  list(): OutboxEntry[] {
    const { outbox, rejected } = this.#options.store.mirror;
    return [
      ...[...outbox.values()].filter(({ voided }) => !voided).map((mutation) => toEntry(mutation, null)),
      ...[...rejected.values()].map((mutation) => toEntry(mutation, mutation.error)),
    ].sort((a, b) => a.seq - b.seq);
  }

  /**
   * Sends a rejected mutation again, as a new one with what the device saw at first, together with its group.
   * Returns the new handles.
   */
  async retry(seq: number): Promise<WriteHandle[]> {
    const { store, handles, clock, newId, onQueued } = this.#options;
    const queued = await store.write('strict', (draft) => {
      const { rejected, outbox } = store.mirror;
      const first = rejected.get(seq);
      if (first === undefined) throw new OfflineError('not_found', `mutation ${seq}`);
      const again = peers(first, rejected.values());
      const group = again.length > 1 ? newId() : null;
      const repeated = new Map<number, number>();
      return again.map((old) => {
        const after = old.after.flatMap((seq) => repeated.get(seq) ?? (outbox.has(seq) ? seq : []));
        const mutation = repeat(old, draft, { nowMs: clock.now(), group, after });
        repeated.set(old.seq, mutation.seq);
        return mutation;
      });
    });
    onQueued();
    return queued.map((mutation) => handles.add(mutation.seq, mutation.key));
  }

  /**
   * Gives up a mutation: its change disappears from the device. A rejected one is forgotten. One that was never sent
   * is given up together with its group, with what was declared to come after it, and, unless it is an update, with
   * later changes of the row. What may have reached the server cannot be taken back: `in_flight`. Returns the seqs.
   */
  async discard(seq: number): Promise<number[]> {
    const { store, handles } = this.#options;
    const discarded = await store.write('strict', (draft) => {
      const { rejected, outbox } = store.mirror;
      if (rejected.has(seq)) {
        draft.deleteRejected(seq);
        return [];
      }
      const first = outbox.get(seq);
      if (first === undefined || first.voided) throw new OfflineError('not_found', `mutation ${seq}`);
      const falling = dependents(first, outbox.values());
      if (falling.some(({ state }) => state !== 'queued')) {
        throw new OfflineError('in_flight', `mutation ${seq}`);
      }
      for (const mutation of falling) draft.putMutation({ ...mutation, voided: true });
      return falling;
    });
    for (const mutation of discarded) handles.settle(mutation.seq, { status: 'discarded' });
    return discarded.length === 0 ? [seq] : discarded.map((mutation) => mutation.seq);
  }

  async #commitRequests(): Promise<void> {
    const { store, handles, onQueued } = this.#options;
    const accepted: { readonly request: Request; readonly built: Built[] }[] = [];
    let requests: Request[] = [];
    try {
      await store.write('strict', (draft) => {
        requests = this.#requests;
        this.#requests = [];
        for (const request of requests) {
          const built = this.#tryBuild(request, draft);
          if (built !== null) accepted.push({ request, built });
        }
      });
    } catch (error) {
      const failed = requests.length > 0 ? requests : this.#requests.splice(0);
      for (const request of failed) request.reject(error);
      return;
    }
    for (const { request, built } of accepted) {
      request.resolve(
        built.map(({ key, mutation }) =>
          mutation === null ? handles.unchanged(key) : handles.add(mutation.seq, key),
        ),
      );
    }
    if (accepted.some(({ built }) => built.some(({ mutation }) => mutation !== null))) onQueued();
  }

  /** Builds one request, or rejects it and leaves the draft as it was. */
  #tryBuild(request: Request, draft: Draft): Built[] | null {
    const takeBack = draft.savepoint();
    try {
      const context = this.#context(request, draft);
      const built = request.intents.map((intent) => addIntent(intent, context));
      const mutations = built.flatMap(({ mutation }) => (mutation === null ? [] : [mutation]));
      assertFits(mutations);
      return built;
    } catch (error) {
      takeBack();
      request.reject(error);
      return null;
    }
  }

  #context({ grouped, options }: Request, draft: Draft): BuildContext {
    const { store, clock, newId } = this.#options;
    const after = (options.after ?? []).map((ref) => (typeof ref === 'number' ? ref : ref.seq));
    return {
      draft,
      userId: store.mirror.device.userId,
      nowMs: clock.now(),
      offsetMs: draft.sync.clock?.offsetMs ?? 0,
      group: grouped ? newId() : null,
      after: after.filter((seq): seq is number => seq !== undefined && seq < draft.head.nextSeq),
    };
  }
}

function toEntry(mutation: Mutation, error: ServerError | null): OutboxEntry {
  const { seq, op, table, key, patch, before, after, group, createdAt, state } = mutation;
  return {
    seq,
    op,
    table,
    key,
    patch,
    before,
    after,
    group,
    createdAt,
    state: error === null ? state : 'rejected',
    error,
  };
}
