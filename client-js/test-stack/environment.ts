/** Finds the running stack: from the environment, else from what `make up` wrote. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const STACK_ENV = fileURLToPath(new URL('../../.local/stack.env', import.meta.url));

export function setup(): void {
  if (existsSync(STACK_ENV)) {
    for (const line of readFileSync(STACK_ENV, 'utf8').split('\n')) {
      const match = /^([A-Z_]+)=(.*)$/.exec(line);
      if (match?.[1] !== undefined) process.env[match[1]] ??= match[2];
    }
  }
  for (const name of ['SUPABASE_URL', 'SUPABASE_ANON_KEY']) {
    if (!process.env[name]) throw new Error(`${name} is not set: start the stack with "make up" first.`);
  }
}
