// The whole stack: brings up what is missing, takes down what it started.

import { rmSync } from 'node:fs';
import { removeCluster, startCluster } from './cluster.mjs';
import { applyMigrations, connectAsAdmin, ensurePlatform } from './database.mjs';
import { enableSync, ensureCreated, ensureInstalled, withExtension } from './extension.mjs';
import { paths } from './paths.mjs';
import { isAlive, stop } from './process.mjs';
import { isHealthy, reloadApi, startService } from './services.mjs';
import { ensureState, readPids, readState, writeEnvFile, writePids, writeState } from './state.mjs';
import { freePort } from './wait.mjs';

/**
 * Starts whatever of the stack is not running, and installs and migrates whatever is behind.
 *
 * @returns {Promise<{ state: import('./state.mjs').StackState, changes: string[] }>}
 *   `changes` is empty when everything was in place
 */
export async function up() {
  /** @type {string[]} */
  const changes = [];
  if (withExtension) ensureInstalled();

  const state = await ensureState();
  const pids = readPids();
  if (!isAlive(pids.postgres)) {
    pids.postgres = await startCluster(state);
    writeState(state);
    writePids(pids);
    changes.push('Postgres started');
  }

  const databaseChanges = await ensureDatabase(state);
  changes.push(...databaseChanges);

  const apiStarted = await ensureService('api', state, pids);
  if (databaseChanges.length > 0 && !apiStarted) await reloadApi(state);
  // The gateway knows the API by its port, which may have changed.
  if (apiStarted) await stop(pids.gateway);
  const gatewayStarted = await ensureService('gateway', state, pids);
  if (apiStarted) changes.push('API started');
  if (gatewayStarted) changes.push('gateway started');
  writeEnvFile(state);
  return { state, changes };
}

/**
 * @param {'api' | 'gateway'} name
 * @param {import('./state.mjs').StackState} state
 * @param {import('./state.mjs').Pids} pids
 * @returns {Promise<boolean>} whether it had to be started
 */
async function ensureService(name, state, pids) {
  if (isAlive(pids[name]) && (await isHealthy(name, state))) return false;
  await stop(pids[name]);
  state.ports[name] = await freePort(state.ports[name]);
  writeState(state);
  pids[name] = await startService(name, state);
  writePids(pids);
  return true;
}

/**
 * @param {import('./state.mjs').StackState} state
 * @returns {Promise<string[]>} what was changed
 */
async function ensureDatabase(state) {
  const changes = [];
  const sql = connectAsAdmin(state);
  try {
    await ensurePlatform(sql, state);
    const extensionChanged = withExtension && (await ensureCreated(sql));
    if (extensionChanged) changes.push('extension set up');
    const migrations = await applyMigrations(sql);
    if (migrations.length > 0) changes.push(`migrations applied: ${migrations.join(', ')}`);
    if (withExtension && (extensionChanged || migrations.length > 0)) await enableSync(sql);
  } finally {
    await sql.end();
  }
  return changes;
}

/**
 * Stops the processes that `up` recorded, and no others.
 *
 * @param {{ erase?: boolean }} [options] `erase` removes the database and all other files
 */
export async function down({ erase = false } = {}) {
  const pids = readPids();
  await stop(pids.gateway);
  await stop(pids.api);
  // SIGINT is Postgres's fast shutdown, SIGQUIT its immediate one.
  await stop(pids.postgres, { signal: 'SIGINT', lastResort: 'SIGQUIT', deadlineMs: 60_000 });
  writePids({});
  if (!erase) return;
  const dataDir = readState()?.dataDir;
  if (dataDir) removeCluster(dataDir);
  for (const path of [paths.state, paths.env, paths.logs]) {
    rmSync(path, { recursive: true, force: true });
  }
}
