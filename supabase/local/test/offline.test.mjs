import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Happenings, TestStack } from './support.mjs';

const stack = new TestStack({ extension: true });

before(() => stack.up());
after(() => stack.remove());

/**
 * Calls a function of the extension through the API, and fails on an error.
 *
 * @param {ReturnType<TestStack['client']>} client
 * @param {string} name
 * @param {object} args
 */
async function call(client, name, args) {
  const { data, error } = await client.schema('offline').rpc(name, args);
  if (error) throw error;
  return data;
}

/** @param {object[]} mutations */
const batch = (mutations) => JSON.stringify({ v: 1, sent_at: new Date().toISOString(), mutations });

/** Milliseconds since 1970 in the upper 48 bits, a counter in the lower 16. */
const hlcNow = () => String(BigInt(Date.now()) << 16n);

/** @param {Record<string, unknown>} patch */
const insertedNote = (patch) => ({
  seq: '1',
  op: 'insert',
  table: 'public.note',
  key: { id: patch.id },
  base: null,
  patch,
  hlc: hlcNow(),
});

async function userWithTeam() {
  const user = await stack.signedUpUser();
  const { data, error } = await user.client.from('team').insert({ name: 'red' }).select().single();
  if (error) throw error;
  return { ...user, teamId: data.id, device: await registeredDevice(user.client) };
}

/** @param {ReturnType<TestStack['client']>} client */
async function registeredDevice(client) {
  const device = randomUUID();
  await call(client, 'register_device', { p_device: device });
  return device;
}

/**
 * Rows of a table in the answer to a pull.
 *
 * @param {any} answer
 * @param {string} table
 */
const pulled = (answer, table) =>
  answer.changes
    .filter((/** @type {any} */ change) => change.table === table)
    .flatMap((/** @type {any} */ change) => change.upserts.map((/** @type {any} */ u) => u.row));

/** What only the server's models read of the sample business: devices get the models, not these rows. */
const OF_MODELS = [
  'affiliate_click',
  'analytics_event',
  'blog_post',
  'content_measure',
  'content_review',
  'funnel_step',
  'lead_form',
  'offer',
  'persona_profile',
  'product',
  'purchase',
  'visit_session',
];

describe('the extension in the stack', () => {
  it('is healthy, with every sample table synced but those that only models read', async () => {
    assert.deepEqual([...(await stack.sql`select * from offline.doctor()`)], []);
    const synced = await stack.sql`
      select relation::regclass::text as name from offline_data.synced_table order by 1
    `;
    const tables = await stack.sql`
      select tablename as name from pg_tables where schemaname = 'public' order by 1
    `;
    assert.deepEqual(
      [...synced.map(({ name }) => name), ...OF_MODELS].sort(),
      tables.map(({ name }) => name),
    );
  });

  it('keeps its storage from the roles of the API', async () => {
    const [{ count }] = await stack.sql`
      select count(*)::int
      from pg_class, unnest(array['anon', 'authenticated']) as role (name)
      where relnamespace = 'offline_data'::regnamespace
        and relkind in ('r', 'p')
        and has_table_privilege(role.name, pg_class.oid, 'insert, update, delete')
    `;
    assert.equal(count, 0);
  });

  it('takes a push of one device and gives it to another through the API', async () => {
    const alice = await userWithTeam();
    const second = await registeredDevice(alice.client);
    const note = { id: randomUUID(), team_id: alice.teamId, title: 'Offline', likes: 3 };
    const answer = await call(alice.client, 'push', {
      p_device: alice.device,
      p_batch: batch([insertedNote(note)]),
    });
    assert.equal(answer.results[0].status, 'applied', JSON.stringify(answer));

    const pull = await call(alice.client, 'pull', {
      p_device: second,
      p_request: { cursor: null },
    });
    const [row] = pulled(pull, 'public.note');
    assert.equal(row.id, note.id);
    assert.equal(row.title, 'Offline');
    assert.equal(row.likes, 3);
    assert.equal(row.author, alice.id);
  });

  it('repeats an acknowledged push without a second effect', async () => {
    const alice = await userWithTeam();
    const note = { id: randomUUID(), team_id: alice.teamId, title: 'Once' };
    const push = { p_device: alice.device, p_batch: batch([insertedNote(note)]) };
    assert.equal((await call(alice.client, 'push', push)).results[0].status, 'applied');
    assert.equal((await call(alice.client, 'push', push)).results[0].status, 'duplicate');
  });

  it('rejects what a policy forbids and goes on', async () => {
    const [alice, bob] = await Promise.all([userWithTeam(), userWithTeam()]);
    const foreign = { id: randomUUID(), team_id: alice.teamId, title: 'Forged' };
    const own = { id: randomUUID(), team_id: bob.teamId, title: 'Own' };
    const answer = await call(bob.client, 'push', {
      p_device: bob.device,
      p_batch: batch([insertedNote(foreign), { ...insertedNote(own), seq: '2' }]),
    });
    assert.equal(answer.results[0].status, 'rejected');
    assert.equal(answer.results[0].error.code, '42501');
    assert.equal(answer.results[1].status, 'applied');
  });

  it('answers with the SQLSTATE of a bad batch, as the protocol says', async () => {
    const { client, device } = await userWithTeam();
    const rpc = (/** @type {object} */ args) => client.schema('offline').rpc('push', args);
    const nonsense = await rpc({ p_device: device, p_batch: 'nonsense' });
    assert.equal(nonsense.status, 400);
    assert.equal(nonsense.error?.code, '22023');
    const gap = { ...insertedNote({ id: randomUUID() }), seq: '7' };
    const ahead = await rpc({ p_device: device, p_batch: batch([gap]) });
    assert.equal(ahead.status, 409);
    assert.equal(ahead.error?.code, 'PT409');
    const foreign = await rpc({ p_device: randomUUID(), p_batch: batch([]) });
    assert.equal(foreign.status, 403);
    assert.equal(foreign.error?.code, '42501');
  });

  it('wakes the members of a team, and nobody else can listen', async () => {
    const [alice, bob] = await Promise.all([userWithTeam(), userWithTeam()]);
    const topic = `offline:team:${alice.teamId}`;
    await Promise.all([alice.client.realtime.setAuth(), bob.client.realtime.setAuth()]);
    const wakeUps = new Happenings();
    const statuses = new Happenings();
    alice.client
      .channel(topic, { config: { private: true } })
      .on('broadcast', { event: 'wake' }, (message) => wakeUps.add(message))
      .subscribe((status) => statuses.add(status));
    assert.equal(await statuses.next('joined'), 'SUBSCRIBED');

    const refusals = new Happenings();
    bob.client
      .channel(topic, { config: { private: true } })
      .subscribe((_, error) => refusals.add(error?.message));
    assert.match(await refusals.next('refused'), /^Unauthorized: /);

    const [{ epoch }] = await stack.sql`select offline.epoch() as epoch`;
    await stack.sql`
      insert into public.note (team_id, author, title) values (${alice.teamId}, ${alice.id}, 'By SQL')
    `;
    const { payload } = await wakeUps.next('the wake-up');
    assert.equal(payload.v, 1);
    assert.equal(payload.epoch, epoch);
  });

  it('keeps data and pulls when other files of the same version were installed', async () => {
    const alice = await userWithTeam();
    const note = { id: randomUUID(), team_id: alice.teamId, title: 'Kept' };
    await call(alice.client, 'push', {
      p_device: alice.device,
      p_batch: batch([insertedNote(note)]),
    });
    await stack.sql`update stack.applied_file set sha256 = 'other' where name = 'pg_offline_sync'`;
    assert.match(await stack.up(), /extension set up/);

    assert.deepEqual([...(await stack.sql`select * from offline.doctor()`)], []);
    const device = await registeredDevice(alice.client);
    const pull = await call(alice.client, 'pull', { p_device: device, p_request: {} });
    assert.deepEqual(
      pulled(pull, 'public.note').map((/** @type {any} */ row) => row.title),
      ['Kept'],
    );
    await alice.client.from('note').update({ title: 'Captured' }).eq('id', note.id);
    const next = await call(alice.client, 'pull', {
      p_device: device,
      p_request: { cursor: pull.cursor },
    });
    assert.equal(pulled(next, 'public.note')[0].title, 'Captured');
  });
});
