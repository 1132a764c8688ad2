// The private Postgres cluster: made once, started on a free port of 127.0.0.1, never the
// system's own cluster.

import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stackDir } from './paths.mjs';
import { identify } from './process.mjs';
import { freePort } from './wait.mjs';

/** Postgres refuses to run as root, so root hands the cluster to the user `postgres`. */
const runsAsRoot = process.getuid?.() === 0;

/** Unix limits the path of a socket to 107 bytes; `/.s.PGSQL.65535` is part of it. */
const SOCKET_DIR_MAX_BYTES = 90;

/** Path of the pg_config whose Postgres the stack uses. */
export const pgConfig = process.env.PG_CONFIG ?? '/usr/lib/postgresql/15/bin/pg_config';

/**
 * Starts the cluster, making it first when there is none.
 *
 * @param {import('./state.mjs').StackState} state gets `dataDir` and `ports.db`
 * @returns {Promise<import('./process.mjs').ProcessIdentity>}
 */
export async function startCluster(state) {
  state.dataDir ??= chooseDataDir();
  if (!existsSync(join(state.dataDir, 'PG_VERSION'))) initCluster(state.dataDir, state.dbPassword);

  const running = postmasterOf(state.dataDir);
  if (running) {
    state.ports.db = running.port;
    return running.identity;
  }
  state.ports.db = await freePort(state.ports.db);
  const settings = settingsOf(state.dataDir, state.ports.db);
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
  runAsOwner('pg_ctl', [
    'start',
    '--wait',
    '--timeout=60',
    `--pgdata=${state.dataDir}`,
    `--log=${logFileOf(state.dataDir)}`,
    `--options=${options.join(' ')}`,
  ]);
  const started = postmasterOf(state.dataDir);
  if (!started) throw new Error(`Postgres did not start; see ${logFileOf(state.dataDir)}`);
  return started.identity;
}

/** @param {string} dataDir */
const logFileOf = (dataDir) => join(dataDir, 'postgres.log');

/** `.local/pg`, or a directory in the system's temporary one when `postgres` cannot go there. */
function chooseDataDir() {
  const preferred = join(stackDir, 'pg');
  mkdirSync(stackDir, { recursive: true });
  if (!runsAsRoot || ownerMayEnter(stackDir)) return preferred;
  const fallback = mkdtempSync(join(tmpdir(), 'pg-offline-sync-'));
  chownSync(fallback, ownerId('-u'), ownerId('-g'));
  return join(fallback, 'pg');
}

/** @param {string} directory */
function ownerMayEnter(directory) {
  try {
    execFileSync('runuser', ['-u', 'postgres', '--', 'test', '-x', directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {string} dataDir
 * @param {string} password of the superuser supabase_admin
 */
function initCluster(dataDir, password) {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(tmpdir(), 'initdb-'));
  const passwordFile = join(scratch, 'password');
  try {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (runsAsRoot) {
      for (const path of [dataDir, scratch, passwordFile]) {
        chownSync(path, ownerId('-u'), ownerId('-g'));
      }
    }
    runAsOwner('initdb', [
      `--pgdata=${dataDir}`,
      '--username=supabase_admin',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
    ]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * @param {string} dataDir
 * @param {number} port
 */
function settingsOf(dataDir, port) {
  const durable = process.env.STACK_FSYNC !== 'off';
  return {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: dataDir.length <= SOCKET_DIR_MAX_BYTES ? dataDir : '',
    max_connections: '200',
    shared_buffers: '512MB',
    max_prepared_transactions: '0',
    shared_preload_libraries: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
}

/**
 * The server that runs on a data directory, if one does.
 *
 * @param {string} dataDir
 */
function postmasterOf(dataDir) {
  let lines;
  try {
    lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const identity = identify(Number(lines[0]));
  if (!identity) return null;
  try {
    // The file may be left from a crash and its pid reused; pg_ctl looks closer.
    runAsOwner('pg_ctl', ['status', `--pgdata=${dataDir}`]);
  } catch {
    return null;
  }
  return { identity, port: Number(lines[3]) };
}

/**
 * Removes the cluster's files. The server must have stopped.
 *
 * @param {string} dataDir
 */
export function removeCluster(dataDir) {
  rmSync(dataDir, { recursive: true, force: true });
  if (!dataDir.startsWith(stackDir)) rmSync(dirname(dataDir), { recursive: true, force: true });
}

/** @param {'-u' | '-g'} which */
function ownerId(which) {
  return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
}

/**
 * @param {'initdb' | 'pg_ctl'} program
 * @param {string[]} args
 */
function runAsOwner(program, args) {
  const bin = execFileSync(pgConfig, ['--bindir'], { encoding: 'utf8' }).trim();
  const command = [join(bin, program), ...args];
  const [file, ...rest] = runsAsRoot ? ['runuser', '-u', 'postgres', '--', ...command] : command;
  // In the root directory, which every user may enter: Postgres goes back to where it started.
  execFileSync(file, rest, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
}
