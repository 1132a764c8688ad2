import { defineConfig } from 'vitest/config';

/** What is built, in headless Chromium (`npm run build` first). */
export default defineConfig({
  test: { include: ['test-browser/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
