/** Whose store is open. One at a time; changes of user happen one after the other. */

import type { ResolvedOptions } from './options.ts';
import { INITIAL_STATUS, type StatusStore } from './status.ts';
import type { OfflineStorage } from './storage/storage.ts';
import type { StoreChange } from './store/mirror.ts';
import { UserSpace } from './user-space.ts';

export class UserSpaces {
  readonly #options: ResolvedOptions;
  readonly #status: StatusStore;
  /** Told of every commit of the open store, and with null that another one, or none, is open. */
  readonly #onChange: (change: StoreChange | null) => void;
  /** Remembers who was signed in last, so that a start needs neither network nor session. */
  #registry: Promise<OfflineStorage> | null = null;
  #current: UserSpace | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #isPaused = false;

  constructor(options: ResolvedOptions, status: StatusStore, onChange: (change: StoreChange | null) => void) {
    this.#options = options;
    this.#status = status;
    this.#onChange = onChange;
  }

  get current(): UserSpace | null {
    return this.#current;
  }

  /** The open store, once a change of user under way is done: a write right after sign-in must find its store. */
  async settled(): Promise<UserSpace | null> {
    await this.#queue;
    return this.#current;
  }

  /** Opens the store of the user who was signed in last. Null when there is none. */
  openLast(): Promise<UserSpace | null> {
    return this.#inTurn(async () => {
      if (this.#current !== null) return this.#current;
      const registry = await this.#openRegistry();
      const record = (await registry.get('meta', ['last-user'])) as { lastUser: string | null } | undefined;
      const lastUser = record?.lastUser ?? null;
      return lastUser === null ? null : this.#open(lastUser);
    });
  }

  /** A session of this user has come: opens their store, after closing another user's. */
  enter(userId: string): Promise<UserSpace | null> {
    return this.#inTurn(async () => {
      if (this.#current?.userId === userId) return this.#current;
      await this.#closeCurrent();
      await this.#remember(userId);
      return this.#open(userId);
    });
  }

  /** The user leaves this device, and their store stays or goes. */
  async leave(what: 'keep' | 'remove'): Promise<void> {
    await this.#inTurn(async () => {
      await this.#remember(null);
      if (what === 'keep') await this.#closeCurrent();
      else {
        const space = this.#current;
        this.#current = null;
        await space?.destroy();
      }
      this.#status.set(INITIAL_STATUS);
      this.#onChange(null);
      return null;
    });
  }

  /** The user's own switch; holds for whoever signs in next, too. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) this.#current?.loop.pause();
    else this.#current?.loop.resume();
  }

  /** Ends everything; later calls do nothing. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#closeCurrent();
      await (await this.#registry)?.close();
      return null;
    });
    this.#isClosed = true;
  }

  async #open(userId: string): Promise<UserSpace> {
    const space = await UserSpace.open(userId, this.#options, this.#status);
    this.#current = space;
    space.store.subscribe((change) => this.#onChange(change));
    this.#onChange(null);
    if (this.#isPaused) space.loop.pause();
    else space.loop.request('start');
    return space;
  }

  async #closeCurrent(): Promise<void> {
    const space = this.#current;
    this.#current = null;
    await space?.close();
  }

  async #remember(userId: string | null): Promise<void> {
    const registry = await this.#openRegistry();
    const value = { lastUser: userId };
    await registry.commit([{ type: 'put', store: 'meta', key: ['last-user'], value }], 'strict');
  }

  #openRegistry(): Promise<OfflineStorage> {
    this.#registry ??= this.#options.storage(`pos:${this.#options.project}`);
    return this.#registry;
  }

  #inTurn(task: () => Promise<UserSpace | null>): Promise<UserSpace | null> {
    const result = this.#queue.then(() => (this.#isClosed ? null : task()));
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
