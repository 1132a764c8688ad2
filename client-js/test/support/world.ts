/** A server, users and devices that tests play with. Nothing here needs a timer to come to an end. */

import { expect } from 'vitest';
import type { ConflictPredictor } from '../../src/conflict/prediction.ts';
import { createOfflineClient, type OfflineClient, type SyncOutcome, table } from '../../src/index.ts';
import type { ModelSource } from '../../src/models/port.ts';
import type { RpcArguments, Session, SupabaseLike, WakeChannel } from '../../src/net/transport.ts';
import type { StorageFactory } from '../../src/storage/storage.ts';
import {
  type FakeClock,
  type FakeNetwork,
  type FaultyTransport,
  fakeClock,
  fakeNetwork,
  faultyTransport,
  type MemoryStorage,
  memoryStorage,
  processLocks,
  seededRandom,
} from '../../src/testing/index.ts';
import { ReferenceServer } from './reference-server.ts';

export interface Note {
  id: string;
  team: string;
  title: string | null;
  n: number | null;
  likes: number | null;
  grade: number | null;
  views: string | null;
}

const tables = { note: table<Note>({ key: 'id', indexes: ['team'] }) };
export type NoteClient = OfflineClient<typeof tables>;

/** supabase-js as the client sees it, with a session that tests give and take. */
export class FakeAuth {
  session: Session | null;
  #listeners = new Set<(event: string, session: Session | null) => void>();

  constructor(userId: string | null) {
    this.session = userId === null ? null : { user: { id: userId } };
  }

  readonly api: SupabaseLike['auth'] = {
    getSession: async () => ({ data: { session: this.session }, error: null }),
    onAuthStateChange: (callback) => {
      this.#listeners.add(callback);
      queueMicrotask(() => callback('INITIAL_SESSION', this.session));
      return { data: { subscription: { unsubscribe: () => this.#listeners.delete(callback) } } };
    },
  };

  signIn(userId: string, event = 'SIGNED_IN'): void {
    this.session = { user: { id: userId } };
    for (const listener of [...this.#listeners]) listener(event, this.session);
  }

  expire(): void {
    this.session = null;
  }
}

/** Realtime as the client sees it. */
export class FakeChannels {
  readonly joined = new Map<string, { wake: () => void; state: (state: string) => void }>();

  channel(topic: string): WakeChannel {
    let wake: () => void = () => undefined;
    const channel: WakeChannel = {
      on: (_type, _filter, callback) => {
        wake = callback;
        return channel;
      },
      subscribe: (state) => {
        this.joined.set(topic, { wake, state });
        return channel;
      },
      unsubscribe: async () => this.joined.delete(topic),
    };
    return channel;
  }
}

export interface DeviceOptions {
  readonly userId?: string;
  readonly storage?: MemoryStorage;
  readonly openStorage?: StorageFactory;
  readonly realtime?: boolean;
  /** How far this device's clock is off. */
  readonly skewMs?: number;
  readonly core?: ConflictPredictor;
  /** Made anew with every start of the app. */
  readonly models?: () => ModelSource;
}

/** One installation of the app. Survives crashes; `db` is the running instance. */
export class Device {
  readonly storage: MemoryStorage;
  readonly auth: FakeAuth;
  readonly channels = new FakeChannels();
  readonly transport: FaultyTransport;
  readonly network: FakeNetwork = fakeNetwork();
  readonly clock: FakeClock;
  db: NoteClient;
  readonly #options: DeviceOptions;
  readonly #random: () => number;

  constructor(
    readonly world: World,
    options: DeviceOptions,
    seed: number,
  ) {
    this.#options = options;
    this.#random = seededRandom(seed);
    this.storage = options.storage ?? memoryStorage();
    this.auth = new FakeAuth(options.userId ?? 'ann');
    this.clock = fakeClock(world.clock.now() + (options.skewMs ?? 0));
    const server = world.server.transportFor(() => this.auth.session?.user.id ?? null);
    this.transport = faultyTransport(server, { random: this.#random, clock: this.clock });
    this.db = this.#start();
  }

  /** The process ends without warning, and the app is started again. `power`: what was not flushed is gone. */
  async crash(what: 'process' | 'power' = 'process'): Promise<void> {
    if (what === 'power') this.storage.cutPower();
    else this.storage.crash();
    await this.restart();
  }

  /** The app is started again, over the storage as it is now. */
  async restart(): Promise<void> {
    await this.db.close();
    this.db = this.#start();
    await this.db.ready;
  }

  /** Syncs until nothing waits. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      const outcome = await this.db.sync();
      expect(outcome).toEqual({ status: 'synced' });
      if (this.db.status.get().pending === 0) return;
    }
    expect(await this.db.outbox.list()).toEqual([]);
  }

  sync(): Promise<SyncOutcome> {
    return this.db.sync();
  }

  /** The rows as the user sees them, by id. */
  async rows(): Promise<Map<string, Note>> {
    return new Map((await this.db.note.all().get()).map((row) => [row.id, row]));
  }

  #start(): NoteClient {
    const supabase: SupabaseLike = {
      auth: this.auth.api,
      channel: (topic) => this.channels.channel(topic),
      schema: () => ({ rpc: (fn: string, _args: RpcArguments) => unused(fn) }),
    };
    return createOfflineClient({
      supabase,
      tables,
      storage: this.#options.openStorage ?? this.storage.open,
      transport: this.transport,
      clock: this.clock,
      random: this.#random,
      locks: processLocks(),
      network: this.network,
      realtime: this.#options.realtime ?? false,
      ...(this.#options.core === undefined ? {} : { core: this.#options.core }),
      ...(this.#options.models === undefined ? {} : { models: this.#options.models() }),
    });
  }
}

function unused(fn: string): never {
  throw new Error(`${fn} must go through the transport`);
}

export class World {
  readonly clock = fakeClock();
  readonly server = new ReferenceServer(() => this.clock.now());
  readonly devices: Device[] = [];

  async device(options: DeviceOptions = {}): Promise<Device> {
    const device = new Device(this, options, this.devices.length + 1);
    this.devices.push(device);
    await device.db.ready;
    return device;
  }

  async close(): Promise<void> {
    for (const { db } of this.devices) await db.close();
  }
}

/** A world in which Ann is in team `red`, closed after the test. */
export function makeWorld(): World {
  const world = new World();
  world.server.join('ann', 'red');
  return world;
}
