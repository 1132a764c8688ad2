// Starting processes that outlive this one, and stopping exactly those.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { until } from './wait.mjs';

/**
 * A process, named so that it cannot be mistaken for a later one with the same pid.
 *
 * @typedef {{ pid: number, startedAt: string, bootId: string }} ProcessIdentity
 */

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * @param {number} pid
 * @returns {ProcessIdentity | null} null when there is no such process, or only its zombie
 */
export function identify(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command name, in parentheses, may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startedAt = fields[19];
  return state === 'Z' ? null : { pid, startedAt, bootId };
}

/** @param {ProcessIdentity | undefined} recorded */
export function isAlive(recorded) {
  if (!recorded || recorded.bootId !== bootId) return false;
  return identify(recorded.pid)?.startedAt === recorded.startedAt;
}

/**
 * Runs a Node program in a session of its own, with its output in a log file.
 *
 * @param {string} script
 * @param {{ logFile: string, env?: Record<string, string> }} options
 * @returns {ProcessIdentity}
 */
export function startNode(script, { logFile, env = {} }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (!identity) throw new Error(`${script} did not start; see ${logFile}`);
  child.unref();
  return identity;
}

/**
 * Asks a process to end and waits until it has. Does nothing when it is gone, or when its
 * pid belongs to another process by now.
 *
 * @param {ProcessIdentity | undefined} recorded
 * @param {{ signal?: NodeJS.Signals, lastResort?: NodeJS.Signals, deadlineMs?: number }} [options]
 */
export async function stop(
  recorded,
  { signal = 'SIGTERM', lastResort = 'SIGKILL', deadlineMs = 15_000 } = {},
) {
  if (!recorded || !isAlive(recorded)) return;
  const gone = () => !isAlive(recorded);
  process.kill(recorded.pid, signal);
  try {
    await until(`process ${recorded.pid} ends`, gone, { deadlineMs });
  } catch {
    if (isAlive(recorded)) process.kill(recorded.pid, lastResort);
    await until(`process ${recorded.pid} ends at once`, gone, { deadlineMs });
  }
}
