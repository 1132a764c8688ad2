import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { createModels } from '../src/models/index.ts';
import type { JsonRow } from '../src/types.ts';
import { DOCUMENTS } from '../test/models/support.ts';
import { device, type Person, signUp, type TestDevice } from './people.ts';

const opened: TestDevice[] = [];

afterEach(async () => {
  for (const made of opened.splice(0)) await made.close();
});

/** Runs a statement as the owner of the database, who trains; answers its last line. */
function asOwner(sql: string): string {
  const arguments_ = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set', 'ON_ERROR_STOP=1'];
  const output = execFileSync(
    process.env.PSQL ?? 'psql',
    [...arguments_, process.env.DATABASE_URL ?? '', '--command', sql],
    {
      encoding: 'utf8',
    },
  );
  return output.trim().split('\n').at(-1) ?? '';
}

/** Rows of which the label depends on two numbers, a word and a text. */
const ROWS = `
  select ((i * 7919) % 101) / 10.0 as warmth, ((i * 104729) % 97) / 9.0 - 5 as distance,
    (array['mail', 'call', 'visit'])[i % 3 + 1] as channel,
    (array['please call back', 'no thanks 😀', 'send the offer', 'later'])[i % 4 + 1] as note,
    case when ((i * 7919) % 101) / 10.0 + (i % 3) * 2 > 6 then 'warm' else 'cold' end as kind
  from generate_series(1, 600) i`;

function spec(algorithm: string, more: JsonRow = {}): string {
  const features = ['warmth', 'distance'];
  return JSON.stringify({ algorithm, query: ROWS, label: 'kind', features, deploy: 'always', ...more });
}

function train(model: string, algorithm: string, more: JsonRow = {}): void {
  asOwner(`select offline.train_model('${model}', '${spec(algorithm, more).replaceAll("'", "''")}')`);
}

async function asked(person: Person, fn: string, args: JsonRow): Promise<unknown> {
  const { data, error } = await person.supabase.schema('offline').rpc(fn, args);
  expect(error).toBeNull();
  return data;
}

it('a model that is trained in the database gives the same bits on the device, offline', async () => {
  const ann = await signUp('ann');
  const names = ['logistic', 'forest', 'mixed'].map((kind) => `${kind}-${randomUUID()}`);
  const [logistic = '', forest = '', mixed = ''] = names;
  train(logistic, 'logistic');
  train(forest, 'forest', { params: { trees: 20 } });
  train(mixed, 'logistic', { categorical: ['channel'], text: ['note'] });
  const models = createModels();
  const made = await device(ann, { models });
  opened.push(made);
  await made.settle();
  await models.settled();
  expect((await models.list()).map(({ model }) => model)).toEqual(expect.arrayContaining(names));

  made.transport.setConditions({ offline: true });
  const rows = Array.from({ length: 40 }, (_, i) => ({
    warmth: i % 7 === 0 ? null : i / 3,
    distance: Math.sin(i) * 5,
    channel: ['mail', 'call', 'visit', 'fax'][i % 4] ?? '',
    note: ['please call back 😀', 'send the OFFER', ''][i % 3] ?? '',
  }));
  for (const name of names) {
    expect(await models.predictMany(name, rows)).toEqual(
      await asked(ann, 'predict_many', { p_model: name, p_rows: rows }),
    );
  }
  for (const { warmth, distance } of rows) {
    const vector = [Math.fround(warmth ?? 0), Math.fround(distance)];
    for (const name of [logistic, forest]) {
      expect(await models.score(name, vector)).toBe(
        await asked(ann, 'score', { p_model: name, p_features: vector }),
      );
    }
  }
});

it('a device goes over to what is deployed, and drops what is withdrawn', async () => {
  const ann = await signUp('ann');
  const name = `versions-${randomUUID()}`;
  train(name, 'logistic');
  const models = createModels();
  const made = await device(ann, { models });
  opened.push(made);
  const version = async () => {
    await made.settle();
    await models.settled();
    return (await models.list()).find(({ model }) => model === name)?.version;
  };
  expect(await version()).toBe(1);
  train(name, 'tree');
  expect(await version()).toBe(2);
  asOwner(`select offline.rollback_model('${name}')`);
  expect(await version()).toBe(1);
  asOwner(`select offline.deploy_model('${name}', null)`);
  expect(await version()).toBeUndefined();
});

it('recommendations are those of the database, for a user whom the training did not know', async () => {
  const ann = await signUp('ann');
  const model = `recommendation-${randomUUID()}`;
  const document = JSON.stringify({ ...DOCUMENTS.recommendation, model, shared: true });
  asOwner(`select offline.import_model('${document.replaceAll("'", "''")}')`);
  asOwner(`select offline.deploy_model('${model}', 1)`);
  const models = createModels();
  const made = await device(ann, { models });
  opened.push(made);
  await made.settle();
  await models.settled();
  for (const items of [['item-3', 'item-5', 'unknown'], ['item-0'], ['unknown'], []]) {
    const context = { model, items, exclude: ['item-1'] };
    expect(await models.recommend({ ...context, count: 4 })).toEqual(
      await asked(ann, 'recommend', { p_user: null, p_count: 4, p_context: context }),
    );
  }
});

it('a text is summarized as in the database', async () => {
  const ann = await signUp('ann');
  const text =
    'The bridge is closed. Rain fell all night. The bridge is closed for repairs until May. Nobody was hurt.';
  expect(await createModels().summarize(text, 2)).toEqual(
    await asked(ann, 'summarize', { p_text: text, p_sentences: 2 }),
  );
});
