/** Runs cases of `testdata/vectors` (its README has the format) on the core; works in Node and in a page. */

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

const LENGTH_MAX = 2_000;

/** What is wrong with the answer to a case; null where it is right. */
export function failure(core: Asked, vector: Vector): string | null {
  const expanded = (value: Member) => expand(value, vector.expand ?? []);
  const expected =
    vector.error === undefined ? normal(vector.fn, expanded(vector.out)) : { error: vector.error };
  const found = ask(core, vector.fn, expanded(vector.in));
  const [left, right] = [expected, found].map((value) => JSON.stringify(sorted(value)));
  return left === right ? null : `${vector.name}: expected ${left}, found ${right}`.slice(0, LENGTH_MAX);
}

function ask(core: Asked, fn: string, input: Member): Member {
  try {
    return normal(fn, core.call(fn, input) as Member);
  } catch (error) {
    const { server } = error as { readonly server?: { readonly code: string } };
    if (server === undefined) throw error;
    return { error: server.code };
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
