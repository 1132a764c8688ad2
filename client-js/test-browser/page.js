import { loadCore } from '/dist/wasm.js';

/** Set when the core is there. */
globalThis.core = loadCore();
