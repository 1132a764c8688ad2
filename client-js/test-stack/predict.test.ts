import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import type { WriteHandle } from '../src/index.ts';
import { wasmCore } from '../src/wasm/index.ts';
import { device, signUp, type TestDevice, team } from './people.ts';

const opened: TestDevice[] = [];

afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

/** Does something while the next pull's answer is on its way: what is done then rests on the rows before it. */
function duringPull({ transport }: TestDevice, act: () => Promise<void>): void {
  const call = transport.call.bind(transport);
  transport.call = async (fn, args, signal) => {
    const answer = await call(fn, args, signal);
    if (fn === 'pull') {
      transport.call = call;
      await act();
    }
    return answer;
  };
}

it('the server does to edits that wait what was predicted', async () => {
  const [ann, bob] = [await signUp('ann'), await signUp('bob')];
  const teamId = await team(ann, bob);
  const [one, two] = [await device(ann, { core: wasmCore() }), await device(bob)];
  opened.push(one, two);
  const id = randomUUID();
  await one.db.note.insert({ id, team_id: teamId, title: 'start', body: '', likes: 10, grade: 1 });
  await one.settle();
  await two.settle();

  await two.db.note.update(id, { title: 'by Bob', status: 'done', grade: 2, likes: 13 });
  await two.settle();
  let write: WriteHandle | undefined;
  duringPull(one, async () => {
    write = await one.db.note.update(id, { title: 'by Ann', status: 'open', grade: 3, likes: 12 });
    one.transport.setConditions({ offline: true });
  });
  await one.db.sync();

  const [conflict] = await one.db.predictConflicts();
  expect(conflict?.columns).toMatchObject({
    status: { policy: 'server_wins', outcome: 'theirs', result: 'done' },
    grade: { policy: 'manual', outcome: 'manual', result: 2 },
    likes: { policy: 'counter', outcome: 'merged', result: 15 },
    title: { policy: 'last_write_wins', outcome: 'unknown' },
  });

  one.transport.setConditions({});
  await one.settle();
  const verdict = await write?.synced;
  const columns = Object.entries(conflict?.columns ?? {}).filter(([, { outcome }]) => outcome !== 'unknown');
  expect(verdict).toMatchObject({
    status: 'conflict',
    columns: Object.fromEntries(columns.map(([name, { outcome }]) => [name, outcome])),
  });
  const results = Object.fromEntries(columns.map(([name, { result }]) => [name, result]));
  expect(await one.db.note.get(id)).toMatchObject(results);
});
