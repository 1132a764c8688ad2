// The two Node processes of the stack.

import { join } from 'node:path';
import { packageRoot, paths } from './paths.mjs';
import { isAlive, startNode } from './process.mjs';
import { apiUrl, gatewayUrl } from './state.mjs';
import { until } from './wait.mjs';

const HEALTH_TIMEOUT_MS = 1_000;

/** @typedef {import('./state.mjs').StackState} StackState */

/**
 * Starts a process and waits until it answers.
 *
 * @param {'api' | 'gateway'} name
 * @param {StackState} state with the port that the process is to use
 * @returns {Promise<import('./process.mjs').ProcessIdentity>}
 */
export async function startService(name, state) {
  const logFile = join(paths.logs, `${name}.log`);
  const identity = startNode(join(packageRoot, name, 'main.mjs'), {
    logFile,
    // lite sends anonymous usage data otherwise.
    env: { DO_NOT_TRACK: '1' },
  });
  await until(`${name} answers`, () => isHealthy(name, state), {
    giveUp: () => (isAlive(identity) ? null : `it ended; see ${logFile}`),
  });
  return identity;
}

/**
 * @param {'api' | 'gateway'} name
 * @param {StackState} state
 */
export async function isHealthy(name, state) {
  const base = name === 'api' ? apiUrl(state) : gatewayUrl(state);
  try {
    const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
    const response = await fetch(`${base}/_stack/health`, { signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Lets the API read the catalog again, and waits until it has.
 *
 * @param {StackState} state
 */
export async function reloadApi(state) {
  const response = await fetch(`${apiUrl(state)}/_stack/reload`, { method: 'POST' });
  if (!response.ok) throw new Error(`the API could not read the catalog: ${response.status}`);
}
