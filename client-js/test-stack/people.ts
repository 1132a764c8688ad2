/** Users and their devices on the real stack. Every test makes its own. */

import { randomUUID } from 'node:crypto';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { expect } from 'vitest';
import WebSocket from 'ws';
import {
  type ConflictPredictor,
  createOfflineClient,
  type ModelSource,
  memoryStorage,
  type OfflineClient,
  supabaseTransport,
  table,
} from '../src/index.ts';
import { type FaultyTransport, faultyTransport, processLocks, seededRandom } from '../src/testing/index.ts';

export interface Team {
  id: string;
  name: string;
}

export interface TeamMember {
  team_id: string;
  user_id: string;
}

export interface Note {
  id: string;
  team_id: string;
  title: string;
  body: string;
  likes: number;
  status: string;
  grade: number | null;
}

export interface Progress {
  user_id: string;
  lesson_id: number;
  percent: number;
  seconds: number;
}

export const tables = {
  team: table<Team>({ key: 'id' }),
  team_member: table<TeamMember>({ key: ['team_id', 'user_id'] }),
  note: table<Note>({ key: 'id', indexes: ['team_id'] }),
  lesson_progress: table<Progress>({ key: ['user_id', 'lesson_id'] }),
};

/** A signed-up user with a supabase-js session. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly supabase: SupabaseClient;
}

const PASSWORD = 'correct horse battery staple';

function connect(): SupabaseClient {
  const { SUPABASE_URL = '', SUPABASE_ANON_KEY = '' } = process.env;
  return createClient(SUPABASE_URL, SUPABASE_ANON_KEY, {
    auth: { persistSession: false, autoRefreshToken: false, storageKey: randomUUID() },
    // Node 20 has no WebSocket of its own.
    realtime: { transport: WebSocket as never },
  });
}

export async function signUp(name: string): Promise<Person> {
  const supabase = connect();
  const email = `${name}-${randomUUID()}@example.com`;
  const { data, error } = await supabase.auth.signUp({ email, password: PASSWORD });
  expect(error).toBeNull();
  return { id: data.user?.id ?? '', email, supabase };
}

/** One installation of the app, with its own session of the person. */
export interface TestDevice {
  readonly db: OfflineClient<typeof tables>;
  readonly transport: FaultyTransport;
  /** Syncs until nothing waits. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export async function device(
  person: Person,
  options: {
    readonly realtime?: boolean;
    readonly core?: ConflictPredictor;
    readonly models?: ModelSource;
  } = {},
): Promise<TestDevice> {
  const supabase = connect();
  const { error } = await supabase.auth.signInWithPassword({ email: person.email, password: PASSWORD });
  expect(error).toBeNull();
  const transport = faultyTransport(supabaseTransport(supabase), { random: seededRandom(1) });
  const db = createOfflineClient({
    supabase,
    tables,
    storage: memoryStorage().open,
    locks: processLocks(),
    transport,
    realtime: options.realtime ?? false,
    ...(options.core === undefined ? {} : { core: options.core }),
    ...(options.models === undefined ? {} : { models: options.models }),
  });
  await db.ready;
  return {
    db,
    transport,
    async settle() {
      await until(async () => {
        expect(await db.sync()).toEqual({ status: 'synced' });
        return db.status.get().pending === 0;
      });
    },
    async close() {
      await db.close();
      await supabase.removeAllChannels();
    },
  };
}

/** Makes a team with these members, the first of whom founds it. */
export async function team(founder: Person, ...others: readonly Person[]): Promise<string> {
  const id = randomUUID();
  const made = await founder.supabase.from('team').insert({ id, name: 'test', created_by: founder.id });
  expect(made.error).toBeNull();
  for (const other of others) {
    const joined = await founder.supabase.from('team_member').insert({ team_id: id, user_id: other.id });
    expect(joined.error).toBeNull();
  }
  return id;
}

const DEADLINE_MS = 20_000;

/** Waits for a condition; fails when it does not come true in time. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The condition did not come true in time.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
