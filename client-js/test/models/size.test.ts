import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

/** What a page has to load for it; size-limit measures scripts only. */
const GZIP_BYTES_MAX = 150_000;

it('the models are small enough for a page', () => {
  const module = readFileSync(new URL('../../src/models/model.wasm', import.meta.url));
  expect(gzipSync(module, { level: 9 }).length).toBeLessThanOrEqual(GZIP_BYTES_MAX);
});
