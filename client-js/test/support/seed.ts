/** Chance, so that it can be repeated: `TEST_SEED` of the environment, else a new seed, which fast-check prints on failure. */

import fc from 'fast-check';

const seed = process.env.TEST_SEED;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });
