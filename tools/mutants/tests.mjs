// Runs test programs and reads what they print.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** Runs a command to its end, whatever its end is. */
export function runTests(command, args, options) {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    timeout: 900_000,
    ...options,
  });
  if (error) throw error;
  const output = `${stdout}\n${stderr}`;
  // cargo test, then nextest.
  const failed = [
    ...output.matchAll(/^test (\S+)(?: - .*)? \.\.\. FAILED$/gm),
    ...output.matchAll(/^ +(?:FAIL|TIMEOUT) \[[^\]]*\] +(?:\([^)]*\) +)?\S+ (\S+)$/gm),
  ].map(([, name]) => name);
  const passes = [...output.matchAll(/^test \S+(?: - .*)? \.\.\. ok$|^ +PASS \[/gm)].length;
  const panic = output.match(/panicked at [^\n]*\n([^\n]*)/);
  return {
    passed: status === 0,
    failed: [...new Set(failed)],
    ran: passes + failed.length,
    why: (panic?.[1] ?? '').slice(0, 160),
    output: output.slice(-4000),
  };
}
