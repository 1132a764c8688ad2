// A stack of its own, and how it is killed: one backend in the middle of a push, or the whole server.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { packageRoot } from '../../../local/src/paths.mjs';
import { until } from '../../../local/src/wait.mjs';

const run = promisify(execFile);

/** What a push looks like in pg_stat_activity. */
const IN_PUSH = '%push%';

/** A stopped backend may hold a lock that the question about it needs: then it is only continued. */
const QUESTION_MS = 300;

export class KillableStack {
  #url = '';

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'stack-kill-'));
    /** @type {import('postgres').Sql | null} */
    this.sql = null;
  }

  /** Starts what is not running. Postgres comes with its own settings: commits are flushed to disk. */
  async up() {
    const { STACK_FSYNC: _, ...environment } = process.env;
    await this.#program('up', [], environment);
    const { databaseUrl } = this.env;
    if (databaseUrl === this.#url) return;
    // After a kill the port may still be taken by what is left of old connections: then it is another one.
    await this.sql?.end({ timeout: 0 }).catch(() => {});
    this.#url = databaseUrl;
    this.sql = postgres(databaseUrl, {
      max: 1,
      onnotice: () => {},
      idle_timeout: 0,
      backoff: () => 0.02,
      connection: { application_name: 'kill', statement_timeout: 5_000 },
    });
  }

  async remove() {
    await this.sql?.end({ timeout: 1 });
    await this.#program('down', ['--erase'], process.env);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** @param {'up' | 'down'} name @param {string[]} args @param {NodeJS.ProcessEnv} environment */
  async #program(name, args, environment) {
    const env = { ...environment, STACK_DIR: this.directory };
    await run(process.execPath, [join(packageRoot, `${name}.mjs`), ...args], { env });
  }

  /** @returns {import('../stack.mjs').Stack} */
  get env() {
    const text = readFileSync(join(this.directory, 'stack.env'), 'utf8');
    /** @param {string} name */
    const variable = (name) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    return {
      url: variable('SUPABASE_URL'),
      anonKey: variable('SUPABASE_ANON_KEY'),
      databaseUrl: variable('DATABASE_URL'),
    };
  }

  /** Asks until the server answers. @returns {Promise<void>} */
  async answers() {
    await until('Postgres answers', () => this.admin`select 1 as one`, { intervalMs: 10 });
  }

  /**
   * A backend that is in a push right now.
   *
   * @returns {Promise<{ pid: number, started: string } | undefined>}
   */
  async pushing() {
    const [found] = await this.admin`
      select pid, query_start::text as started
      from pg_stat_activity
      where application_name = 'supabase api' and state = 'active' and query ilike ${IN_PUSH}
      order by random()
      limit 1
    `;
    return /** @type {any} */ (found);
  }

  /**
   * Kills a backend if it is still in that push: it is stopped, looked at, and then killed or continued.
   *
   * @param {{ pid: number, started: string }} backend
   * @returns {Promise<boolean>} whether it was killed
   */
  async killInPush({ pid, started }) {
    if (!signal(pid, 'SIGSTOP')) return false;
    const question = this.admin`
      select from pg_stat_activity
      where pid = ${pid} and state = 'active' and query_start::text = ${started}
    `;
    const late = new Promise((resolve) => setTimeout(resolve, QUESTION_MS, []));
    const rows = await Promise.race([question, late]).catch(() => []);
    const isInPush = rows.length === 1;
    const [mine] = isInPush ? await this.admin`select pg_backend_pid() as pid` : [];
    signal(pid, isInPush ? 'SIGKILL' : 'SIGCONT');
    await question.catch(() => []);
    if (isInPush) await this.#recover(mine.pid);
    return isInPush;
  }

  /**
   * The postmaster restarts all backends by itself. The API does not notice that its connections are gone: calls that were
   * under way would hang until the device gives up. So it is killed, too, and started again, as a supervisor does.
   *
   * @param {number} known the backend of this connection, which falls with the others
   */
  async #recover(known) {
    const { api } = this.#json('pids.json');
    signal(api.pid, 'SIGKILL');
    await until('the API is gone', () => !lives(api.pid), { intervalMs: 5 });
    const restarted = async () => {
      const [{ pid }] = await this.admin`select pg_backend_pid() as pid`;
      return pid !== known;
    };
    await until('Postgres has restarted its backends', restarted, { intervalMs: 10 });
    await this.up();
  }

  /** @param {string} file of the stack */
  #json(file) {
    return JSON.parse(readFileSync(join(this.directory, file), 'utf8'));
  }

  /** Kills the postmaster and all of its children at once, and starts the server again. */
  async killServer() {
    const { postgres: postmaster, api } = this.#json('pids.json');
    // Stopped, it has no new children while they are counted.
    signal(postmaster.pid, 'SIGSTOP');
    const victims = [postmaster.pid, ...childrenOf(postmaster.pid), api.pid];
    for (const pid of victims) signal(pid, 'SIGKILL');
    await until('all processes of the server are gone', () => victims.every((pid) => !lives(pid)));
    // Until somebody asks for its exit code, a dead process keeps its pid, and Postgres would take it for a server that runs.
    const { dataDir } = this.#json('stack.json');
    for (const file of readdirSync(dataDir).filter((name) =>
      /^postmaster\.pid$|^\.s\.PGSQL\./.test(name),
    ))
      rmSync(join(dataDir, file), { force: true });
    await this.up();
  }

  get admin() {
    if (!this.sql) throw new Error('the stack is not up');
    return this.sql;
  }
}

/** @param {number} pid @param {NodeJS.Signals} name @returns {boolean} whether it was there */
function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** @param {number} pid @returns {{ state: string, parent: number } | null} */
function statusOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** @param {number} parent */
const childrenOf = (parent) =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => statusOf(pid)?.parent === parent);

/** @param {number} pid */
const lives = (pid) => !['Z', undefined].includes(statusOf(pid)?.state);
