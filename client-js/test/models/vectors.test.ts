import { expect, it } from 'vitest';
import { sharedEngine } from './support.ts';
import { answers } from './vector-answers.mjs';
import { vectorFiles, wrong } from './vector-files.mjs';

it.each(vectorFiles())('the bits of $name are those of the database', async (file) => {
  expect(wrong(file, answers(await sharedEngine(), file))).toEqual([]);
});
