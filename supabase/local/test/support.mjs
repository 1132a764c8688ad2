// A stack of their own for the tests, and clients for it.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from '@supabase/supabase-js';
import postgres from 'postgres';
import { WebSocket } from 'ws';
import { signToken } from '../src/keys.mjs';
import { packageRoot } from '../src/paths.mjs';

const run = promisify(execFile);

/** Starts, inspects and removes one stack in a directory of its own. */
export class TestStack {
  /** @param {{ extension?: boolean }} [options] */
  constructor({ extension = false } = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'stack-test-'));
    this.environment = {
      ...process.env,
      STACK_DIR: this.directory,
      STACK_FSYNC: 'off',
      STACK_EXTENSION: extension ? 'pg_offline_sync' : 'none',
    };
    /** @type {import('postgres').Sql | undefined} */
    this.connection = undefined;
    /** @type {import('@supabase/supabase-js').SupabaseClient[]} */
    this.clients = [];
  }

  /** @param {'up' | 'down' | 'reload'} program */
  async run(program, args = /** @type {string[]} */ ([])) {
    const { stdout } = await run(process.execPath, [join(packageRoot, `${program}.mjs`), ...args], {
      env: this.environment,
    });
    return stdout;
  }

  up() {
    return this.run('up');
  }

  /** Closes the clients, stops the stack and removes its files. */
  async remove() {
    const connected = this.clients.filter((client) => client.realtime.isConnected());
    await Promise.all(connected.map((client) => client.removeAllChannels()));
    for (const client of connected) client.realtime.disconnect();
    await this.connection?.end();
    await this.run('down', ['--erase']);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** @param {string} name */
  readJson(name) {
    return JSON.parse(readFileSync(join(this.directory, name), 'utf8'));
  }

  /** The variables of stack.env. */
  get env() {
    const lines = readFileSync(join(this.directory, 'stack.env'), 'utf8').trim().split('\n');
    return Object.fromEntries(
      lines.map((line) => {
        const separator = line.indexOf('=');
        return [line.slice(0, separator), line.slice(separator + 1)];
      }),
    );
  }

  /** A superuser connection. */
  get sql() {
    this.connection ??= postgres(this.env.DATABASE_URL, { onnotice: () => {} });
    return this.connection;
  }

  /**
   * An unmodified supabase-js client.
   *
   * @param {object} [options]
   * @param {string} [options.key]
   * @param {string} [options.token] makes requests with this token instead of a session
   * @param {'1.0.0' | '2.0.0'} [options.vsn]
   */
  client({ key = this.env.SUPABASE_ANON_KEY, token, vsn } = {}) {
    const client = createClient(this.env.SUPABASE_URL, key, {
      auth: { persistSession: false, autoRefreshToken: false },
      // Node 20 has no WebSocket of its own.
      realtime: { transport: /** @type {any} */ (WebSocket), ...(vsn && { vsn }) },
      ...(token && { accessToken: async () => token }),
    });
    this.clients.push(client);
    return client;
  }

  /** @returns {Promise<{ client: ReturnType<TestStack['client']>, id: string }>} */
  async signedUpUser() {
    const client = this.client();
    const email = `${randomUUID()}@example.org`;
    const { data, error } = await client.auth.signUp({ email, password: 'correct horse' });
    if (error || !data.user) throw error ?? new Error('no user');
    return { client, id: data.user.id };
  }

  /**
   * A user who never signed up, known by a signed token only.
   *
   * @param {object} [claims]
   * @param {number} [lifetimeS]
   */
  token(claims = {}, lifetimeS = 600) {
    return signToken(
      { sub: randomUUID(), role: 'authenticated', aud: 'authenticated', ...claims },
      this.env.SUPABASE_JWT_SECRET,
      lifetimeS,
    );
  }

  /** Processes whose command line or environment names this stack's directory. */
  processes() {
    const dataDir = this.readJson('stack.json').dataDir;
    const names = [this.directory, dataDir];
    return readdirSync('/proc').filter((entry) => {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return false;
      try {
        const told = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${entry}/${file}`));
        return told.some((bytes) => names.some((name) => bytes.includes(name)));
      } catch {
        return false;
      }
    });
  }
}

/**
 * Fails when a promise takes too long.
 *
 * @template T
 * @param {string} what
 * @param {Promise<T>} promise
 * @param {number} [deadlineMs]
 * @returns {Promise<T>}
 */
export async function within(what, promise, deadlineMs = 10_000) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return /** @type {T} */ (await Promise.race([promise, late]));
  } finally {
    clearTimeout(timer);
  }
}

/** Things that happen one after the other, each awaited with a deadline. */
export class Happenings {
  /** @type {any[]} */
  #happened = [];
  /** @type {((value: any) => void)[]} */
  #awaited = [];

  /** @param {any} value */
  add(value) {
    const resolve = this.#awaited.shift();
    if (resolve) resolve(value);
    else this.#happened.push(value);
  }

  /** @param {string} what */
  next(what) {
    if (this.#happened.length > 0) return Promise.resolve(this.#happened.shift());
    return within(what, new Promise((resolve) => this.#awaited.push(resolve)));
  }
}
