// Where things are.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the repository. */
export const repoRoot = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');

/** Root of this package. */
export const packageRoot = join(repoRoot, 'supabase', 'local');

/**
 * Everything that a stack writes, apart from the installed extension. Another directory in
 * STACK_DIR gives another, independent stack.
 */
export const stackDir = process.env.STACK_DIR ?? join(repoRoot, '.local');

export const paths = {
  state: join(stackDir, 'stack.json'),
  env: join(stackDir, 'stack.env'),
  pids: join(stackDir, 'pids.json'),
  logs: join(stackDir, 'logs'),
  config: join(repoRoot, 'supabase', 'config.toml'),
  sql: join(packageRoot, 'sql'),
  migrations: join(repoRoot, 'supabase', 'migrations'),
  enableSync: join(packageRoot, 'enable_sync.sql'),
};
