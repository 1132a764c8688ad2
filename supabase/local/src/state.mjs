// What the stack remembers between runs: ports, secrets, the data directory, and which
// processes it started.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { signKey } from './keys.mjs';
import { paths } from './paths.mjs';

/**
 * @typedef {object} StackState
 * @property {string} [dataDir] directory of the Postgres cluster
 * @property {string} jwtSecret HS256 secret of all tokens of this stack
 * @property {string} dbPassword password of the login roles
 * @property {string} anonKey
 * @property {string} serviceRoleKey
 * @property {{ db?: number, api?: number, gateway?: number }} ports
 *
 * @typedef {'postgres' | 'api' | 'gateway'} ServiceName
 * @typedef {Partial<Record<ServiceName, import('./process.mjs').ProcessIdentity>>} Pids
 */

/** @returns {StackState | null} null before the first `up` */
export function readState() {
  return readJson(paths.state);
}

/** The remembered state, made at the first call. */
export async function ensureState() {
  const known = readState();
  if (known) return known;
  const jwtSecret = randomBytes(32).toString('base64url');
  /** @type {StackState} */
  const state = {
    jwtSecret,
    dbPassword: randomBytes(18).toString('base64url'),
    anonKey: await signKey('anon', jwtSecret),
    serviceRoleKey: await signKey('service_role', jwtSecret),
    ports: {},
  };
  writeState(state);
  return state;
}

/** @param {StackState} state */
export function writeState(state) {
  writePrivate(paths.state, `${JSON.stringify(state, null, 2)}\n`);
}

/** @returns {Pids} */
export function readPids() {
  return readJson(paths.pids) ?? {};
}

/** @param {Pids} pids */
export function writePids(pids) {
  if (Object.keys(pids).length === 0) rmSync(paths.pids, { force: true });
  else writePrivate(paths.pids, `${JSON.stringify(pids, null, 2)}\n`);
}

/** @param {StackState} state */
export const gatewayUrl = (state) => `http://127.0.0.1:${state.ports.gateway}`;

/** @param {StackState} state */
export const apiUrl = (state) => `http://127.0.0.1:${state.ports.api}`;

/**
 * @param {StackState} state
 * @param {'supabase_admin' | 'authenticator'} [role]
 */
export const databaseUrl = (state, role = 'supabase_admin') =>
  `postgres://${role}:${state.dbPassword}@127.0.0.1:${state.ports.db}/postgres`;

/**
 * Writes the file that tests, benchmarks and the demonstration read.
 *
 * @param {StackState} state
 */
export function writeEnvFile(state) {
  const variables = {
    SUPABASE_URL: gatewayUrl(state),
    SUPABASE_ANON_KEY: state.anonKey,
    SUPABASE_SERVICE_ROLE_KEY: state.serviceRoleKey,
    SUPABASE_JWT_SECRET: state.jwtSecret,
    DATABASE_URL: databaseUrl(state),
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  writePrivate(paths.env, lines.join(''));
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Replaces a file in one step, so that a reader never sees half of it.
 *
 * @param {string} file
 * @param {string} content
 */
function writePrivate(file, content) {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
}
