/** Cases of `testdata/vectors`, whose README has the format: what to ask, and what is wrong with an answer. */

import { readdirSync, readFileSync } from 'node:fs';

type Member =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Member[]
  | { readonly [n: string]: Member };

export interface Vector {
  readonly name: string;
  readonly fn: string;
  readonly in: Member;
  readonly out?: Member;
  readonly error?: string;
  readonly expand?: readonly (readonly [string, string, number])[];
}

export interface Asked {
  call(name: string, input: unknown): unknown;
}

const DIRECTORY = new URL('../../../testdata/vectors/', import.meta.url);

const LENGTH_MAX = 2_000;

/** So many there are at least: who finds fewer has lost some. */
const CASES_MIN = 200;

/** All cases of the repository. */
export function vectors(): Vector[] {
  const files = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'));
  const cases = files.flatMap(
    (name) => JSON.parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as Vector[],
  );
  if (cases.length < CASES_MIN) throw new Error(`only ${cases.length} vectors found`);
  return cases;
}

/** What a host said: an answer, or the SQLSTATE of a refusal. */
export type Answer = { readonly out: unknown } | { readonly error: string };

/** What to ask for a case. */
export function request({ fn, in: input, expand: marks }: Vector): {
  readonly fn: string;
  readonly in: Member;
} {
  return { fn, in: expand(input, marks ?? []) };
}

/** What is wrong with the answer to a case; null where it is right. */
export function judge({ name, fn, out, error, expand: marks }: Vector, answer: Answer): string | null {
  const expected = error === undefined ? normal(fn, expand(out, marks ?? [])) : { error };
  const found = 'error' in answer ? answer : normal(fn, answer.out as Member);
  const [left, right] = [expected, found].map((value) => JSON.stringify(sorted(value as Member)));
  return left === right ? null : `${name}: expected ${left}, found ${right}`.slice(0, LENGTH_MAX);
}

/** The same for a core that is at hand. */
export function failure(core: Asked, vector: Vector): string | null {
  const { fn, in: input } = request(vector);
  try {
    return judge(vector, { out: core.call(fn, input) });
  } catch (error) {
    const { server } = error as { readonly server?: { readonly code: string } };
    if (server === undefined) throw error;
    return judge(vector, { error: server.code });
  }
}

function expand(value: Member, marks: NonNullable<Vector['expand']>): Member {
  if (typeof value === 'string') {
    return marks.reduce(
      (text, [mark, part, times]) => text.replaceAll(mark, () => part.repeat(times)),
      value,
    );
  }
  if (Array.isArray(value)) return value.map((item) => expand(item, marks));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, expand(item, marks)]));
}

/** Absent members are null; of a refused mutation only the code counts; lists of JSON texts are one text. */
function normal(fn: string, value: Member): Member {
  if (fn !== 'decide' || !Array.isArray(value)) return value;
  return value.map((entry) => {
    const { message: _message, ...decision } = entry as { [name: string]: Member };
    if (decision.action === 'reject') return { action: 'reject', code: decision.code };
    return { ...decision, contested: text(decision.contested), calls: text(decision.calls) };
  });
}

function text(list: Member): Member {
  return Array.isArray(list) ? `[${list.join()}]` : list;
}

function sorted(value: Member): Member {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  return Object.fromEntries(
    members.map(([name, item]) => [name, sorted(item)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
