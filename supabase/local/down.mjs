// Stops the local stack: node supabase/local/down.mjs [--erase]
// With --erase, its database and everything else that it wrote is removed, too.

import { parseArgs } from 'node:util';
import { down } from './src/stack.mjs';

const { values } = parseArgs({ options: { erase: { type: 'boolean', default: false } } });
await down({ erase: values.erase });
console.log(values.erase ? 'the stack is down and erased' : 'the stack is down');
