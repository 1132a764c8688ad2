import { defineConfig } from 'vitest/config';

/** End-to-end tests against a running stack (`make up`); each file makes its own users and rows. */
export default defineConfig({
  test: {
    include: ['test-stack/**/*.test.ts'],
    globalSetup: ['test-stack/environment.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
