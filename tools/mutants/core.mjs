// Faults of the core: in a copy of the sources, with the core's own tests.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withFault } from './faults.mjs';
import { ROOT, runTests } from './tests.mjs';

export function coreBench() {
  const copy = mkdtempSync(join(tmpdir(), 'mutants.'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' });
  for (const file of files.split('\0')) {
    if (file === '' || !existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(ROOT, file), join(copy, file), { preserveTimestamps: true });
  }
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
  const env = { ...process.env, CARGO_TARGET_DIR: join(target, 'mutants') };
  return {
    apply(fault) {
      const path = join(copy, fault.file);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, withFault(text, fault));
      return () => writeFileSync(path, text);
    },
    test(programs, filter) {
      const args = ['test', '-p', 'offline_sync_core', ...programs.flatMap((program) => ['--test', program])];
      return runTests('cargo', filter ? [...args, filter] : args, { cwd: copy, env });
    },
    close: () => rmSync(copy, { recursive: true, force: true }),
  };
}
