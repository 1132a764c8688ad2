/** The files of `testdata/model-vectors`, and what is wrong with answers to them. */

import { readdirSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

const DIRECTORY = new URL('../../../testdata/model-vectors/', import.meta.url);

/** So many cases there are at least: who finds fewer has lost some. */
const CASES_MIN = 300;

export function vectorFiles() {
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'));
  const files = names.map((name) => ({
    name,
    ...JSON.parse(readFileSync(new URL(name, DIRECTORY), 'utf8')),
  }));
  const count = files.reduce((sum, { cases }) => sum + cases.length, 0);
  if (count < CASES_MIN) throw new Error(`only ${count} vectors found`);
  return files;
}

/** The cases of a file that were answered otherwise than they say. */
export function wrong({ name, cases }, found) {
  return cases.flatMap((one, i) => {
    if (isDeepStrictEqual(one.out, found[i])) return [];
    return [`${name} ${one.name}: expected ${JSON.stringify(one.out)}, found ${JSON.stringify(found[i])}`];
  });
}
