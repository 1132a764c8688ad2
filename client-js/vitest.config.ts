import { defineConfig } from 'vitest/config';

const seed = Number(process.env.TEST_SEED ?? Date.now());

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    sequence: { shuffle: true, seed },
    testTimeout: 30_000,
  },
});
