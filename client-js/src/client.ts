/** The client: finds the user's store, follows sign-in and sign-out, and shows everything under one roof. */

import type {
  BatchTables,
  ClientCore,
  ConflictsApi,
  OfflineClient,
  OutboxApi,
  Unsynced,
  WatchableList,
} from './client-api.ts';
import type { PredictedConflict } from './conflict/prediction.ts';
import { OfflineError } from './errors.ts';
import type { Session } from './net/transport.ts';
import { type OfflineClientOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import type { Intent } from './outbox/build.ts';
import type { WriteHandle } from './outbox/handles.ts';
import type { WriteOptions } from './outbox/outbox.ts';
import type { QuerySource } from './query/query.ts';
import { StatusStore } from './status.ts';
import type { LocalStore } from './store/local-store.ts';
import type { StoreChange } from './store/mirror.ts';
import type { SyncOutcome } from './sync/loop.ts';
import type { TableDefinitions } from './table.ts';
import { BatchTable, TableApi, type WriteSink } from './table-api.ts';
import type { UserSpace } from './user-space.ts';
import { UserSpaces } from './user-spaces.ts';

/** Names that tables cannot have. */
const RESERVED: ReadonlySet<string> = new Set<keyof ClientCore<TableDefinitions> | 'then'>([
  'ready',
  'status',
  'conflicts',
  'outbox',
  'batch',
  'predictConflicts',
  'sync',
  'pause',
  'resume',
  'signOut',
  'close',
  'then',
]);

/**
 * Makes the client of this device. It starts by itself: opens the store, and syncs as soon as there is a session.
 *
 * @example
 * ```ts
 * const db = createOfflineClient({ supabase, tables: { note: table<Note>({ key: 'id' }) } });
 * await db.ready;
 * const write = await db.note.update(id, { title: 'x' });
 * await write.synced;
 * ```
 */
export function createOfflineClient<Tables extends TableDefinitions>(
  options: OfflineClientOptions<Tables>,
): OfflineClient<Tables> {
  const resolved = resolveOptions(options, RESERVED);
  const core = new Client<Tables>(resolved);
  const tables = [...resolved.tables].map(([name, spec]) => [name, new TableApi(spec, core, core)] as const);
  return Object.assign(core, Object.fromEntries(tables)) as unknown as OfflineClient<Tables>;
}

class Client<Tables extends TableDefinitions> implements ClientCore<Tables>, QuerySource, WriteSink {
  readonly ready: Promise<void>;
  readonly status = new StatusStore();
  readonly conflicts: ConflictsApi;
  readonly outbox: OutboxApi;
  readonly #options: ResolvedOptions;
  readonly #spaces: UserSpaces;
  readonly #listeners = new Set<(change: StoreChange | null) => void>();
  #endAuth: () => void = () => undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#spaces = new UserSpaces(options, this.status, (change) => this.#emit(change));
    const firstAuth = this.#followAuth();
    this.ready = this.#spaces.openLast().then((space) => (space === null ? firstAuth : undefined));
    // Whoever awaits `ready` sees the failure; whoever does not sees it in what is called next.
    this.ready.catch(() => undefined);
    options.models?.attach(() => this.#requireSpace());
    this.conflicts = {
      ...this.#watchableList(
        (space) => space.conflicts.list(),
        ({ conflicts }) => conflicts,
      ),
      resolve: async (id, resolution) => {
        const space = await this.#requireSpace();
        await space.conflicts.resolve(id, resolution);
        space.loop.request('resume');
      },
    };
    this.outbox = {
      ...this.#watchableList(
        (space) => space.outbox.list(),
        ({ outbox }) => outbox,
      ),
      retry: async (seq) => (await this.#requireSpace()).outbox.retry(seq),
      discard: async (seq) => (await this.#requireSpace()).outbox.discard(seq),
      export: async () => JSON.stringify(await this.outbox.list(), null, 2),
    };
  }

  async write(intents: readonly Intent[], grouped: boolean, options: WriteOptions): Promise<WriteHandle[]> {
    return (await this.#requireSpace()).outbox.enqueue(intents, grouped, options);
  }

  async batch(
    gather: (tx: BatchTables<Tables>) => void | Promise<void>,
    options: WriteOptions = {},
  ): Promise<WriteHandle[]> {
    const intents: Intent[] = [];
    const tables = [...this.#options.tables].map(
      ([name, spec]) => [name, new BatchTable(spec, this, (intent) => intents.push(intent))] as const,
    );
    await gather(Object.fromEntries(tables) as unknown as BatchTables<Tables>);
    return this.write(intents, true, options);
  }

  async predictConflicts(): Promise<PredictedConflict[]> {
    const { core, clock } = this.#options;
    if (core === null) throw new OfflineError('core_missing');
    return core.predict((await this.#requireSpace()).store.mirror, clock.now());
  }

  async sync(): Promise<SyncOutcome> {
    const space = await this.#space();
    if (space !== null) return space.loop.sync();
    return { status: 'paused', reason: 'auth', error: noUser() };
  }

  pause(): void {
    this.#spaces.setPaused(true);
  }

  resume(): void {
    this.#spaces.setPaused(false);
  }

  async signOut({ unsynced = 'throw' }: { readonly unsynced?: Unsynced } = {}): Promise<void> {
    const space = await this.#space();
    if (space === null) return;
    if (unsynced === 'push') await space.loop.sync();
    const { pendingCount, rejected } = space.store.mirror;
    const count = pendingCount + rejected.size;
    if (count > 0 && (unsynced === 'throw' || unsynced === 'push')) {
      throw new OfflineError('unsynced_work', `${count} changes`);
    }
    await this.#spaces.leave(unsynced === 'keep' ? 'keep' : 'remove');
  }

  async close(): Promise<void> {
    this.#endAuth();
    await this.#spaces.close();
  }

  async open(): Promise<LocalStore | null> {
    return (await this.#space())?.store ?? null;
  }

  current(): LocalStore | null {
    return this.#spaces.current?.store ?? null;
  }

  onChange(qualifiedTable: string, listener: () => void): () => void {
    return this.#listen((change) => {
      if (change === null || change.tables.has(qualifiedTable)) listener();
    });
  }

  /**
   * Follows supabase-js. The callback itself must not call supabase-js, which holds its lock meanwhile; opening a store
   * and starting a cycle both happen later. Returns a promise of the first event being dealt with.
   */
  #followAuth(): Promise<void> {
    return new Promise((resolve) => {
      const { data } = this.#options.supabase.auth.onAuthStateChange((event, session) => {
        void this.#onAuth(event, session).then(resolve, () => resolve());
      });
      this.#endAuth = () => {
        data.subscription.unsubscribe();
        resolve();
      };
    });
  }

  /** Sign-out by supabase-js wipes nothing: the session may have been lost, not given up. */
  async #onAuth(event: string, session: Session | null): Promise<void> {
    if (session === null) {
      if (event === 'INITIAL_SESSION') await this.#spaces.openLast();
      return;
    }
    const space = await this.#spaces.enter(session.user.id);
    space?.loop.request('auth');
  }

  async #space(): Promise<UserSpace | null> {
    await this.ready;
    return this.#spaces.settled();
  }

  async #requireSpace(): Promise<UserSpace> {
    const space = await this.#space();
    if (space === null) throw noUser();
    return space;
  }

  #watchableList<T>(
    read: (space: UserSpace) => T[],
    concerns: (change: StoreChange) => boolean,
  ): WatchableList<T> {
    const now = () => (this.#spaces.current === null ? [] : read(this.#spaces.current));
    return {
      list: async () => {
        await this.#space();
        return now();
      },
      subscribe: (listener) => {
        let isEnded = false;
        const unsubscribe = this.#listen((change) => {
          if (change === null || concerns(change)) listener(now());
        });
        void this.ready.then(
          () => (isEnded ? undefined : listener(now())),
          () => undefined,
        );
        return () => {
          isEnded = true;
          unsubscribe();
        };
      },
    };
  }

  #listen(listener: (change: StoreChange | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `null`: another store, or none, is open now. */
  #emit(change: StoreChange | null): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function noUser(): OfflineError {
  return new OfflineError('no_user');
}
