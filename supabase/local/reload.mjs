// Lets the API see the database as it is now: node supabase/local/reload.mjs
//
// DDL reaches the API by itself, a moment later; this returns when it has.

import { reloadApi } from './src/services.mjs';
import { readState } from './src/state.mjs';

const state = readState();
if (!state) throw new Error('there is no stack; run up.mjs');
await reloadApi(state);
console.log('the API has read the catalog');
