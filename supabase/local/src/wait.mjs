// Waiting for a condition, and finding a free port.

import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until `probe` answers something truthy, and returns that.
 *
 * @template T
 * @param {string} what what is waited for, for the error message
 * @param {() => Promise<T> | T} probe an exception counts as "not yet"
 * @param {{ deadlineMs?: number, intervalMs?: number, giveUp?: () => string | null }} [options]
 *   `giveUp` returns a reason when waiting longer is useless
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, probe, { deadlineMs = 30_000, intervalMs = 25, giveUp } = {}) {
  const deadline = performance.now() + deadlineMs;
  let lastError;
  for (;;) {
    try {
      const answer = await probe();
      if (answer) return answer;
    } catch (error) {
      lastError = error;
    }
    const reason = giveUp?.();
    if (reason) throw new Error(`${what}: ${reason}`, { cause: lastError });
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${deadlineMs} ms`, { cause: lastError });
    }
    await delay(intervalMs);
  }
}

/**
 * The preferred port when it is free, else one that the kernel picks.
 *
 * @param {number} [preferred]
 * @returns {Promise<number>}
 */
export async function freePort(preferred) {
  if (preferred !== undefined) {
    try {
      return await tryPort(preferred);
    } catch {
      // Somebody else took it since the last run.
    }
  }
  return tryPort(0);
}

/** @param {number} port */
function tryPort(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(address.port));
    });
  });
}
