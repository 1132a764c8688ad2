// Starts the local stack: node supabase/local/up.mjs

import { paths } from './src/paths.mjs';
import { up } from './src/stack.mjs';
import { gatewayUrl } from './src/state.mjs';

const startedAt = performance.now();
const { state, changes } = await up();
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
for (const change of changes) console.log(change);
console.log(
  changes.length === 0
    ? `the stack is up already: ${gatewayUrl(state)}`
    : `the stack is up at ${gatewayUrl(state)} after ${seconds} s`,
);
console.log(`its addresses and keys are in ${paths.env}`);
