import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { until } from '../src/wait.mjs';
import { Happenings, TestStack, within } from './support.mjs';

const stack = new TestStack();

before(async () => {
  await stack.up();
  await stack.sql.unsafe(`
    create policy own_topic on realtime.messages for select to authenticated
    using (extension = 'broadcast' and (select realtime.topic()) = 'user:' || (select auth.uid())::text);
    create policy club_topic on realtime.messages for select to authenticated
    using ((select realtime.topic()) = 'club' and (select auth.jwt() ->> 'club') = 'yes');`);
});
after(() => stack.remove());

/**
 * Joins a private channel.
 *
 * @param {ReturnType<TestStack['client']>} client
 * @param {string} topic
 * @param {object} [config]
 */
async function join(client, topic, config = {}) {
  // A channel that is joined before the client knows its token is refused at first.
  await client.realtime.setAuth();
  const statuses = new Happenings();
  const messages = new Happenings();
  const notices = new Happenings();
  const channel = client.channel(topic, { config: { private: true, ...config } });
  channel
    .on('broadcast', { event: '*' }, (message) => messages.add(message))
    .on(/** @type {any} */ ('system'), {}, (/** @type {any} */ notice) => notices.add(notice))
    .subscribe((status, error) => statuses.add({ status, reason: error?.message }));
  return { channel, statuses, messages, notices };
}

/** @param {object} [claims] */
async function user(claims) {
  const id = randomUUID();
  const token = await stack.token({ sub: id, ...claims });
  return { id, token, topic: `user:${id}`, client: stack.client({ token }) };
}

/**
 * @param {string} topic
 * @param {object} payload
 */
const sendFromSql = (topic, payload) =>
  stack.sql`select realtime.send(${stack.sql.json(/** @type {any} */ (payload))}, 'wake', ${topic})`;

describe('a private channel', () => {
  it('brings what SQL sends to a caller whom a policy lets read', async () => {
    const { client, id } = await stack.signedUpUser();
    const { statuses, messages } = await join(client, `user:${id}`);
    assert.equal((await statuses.next('joined')).status, 'SUBSCRIBED');
    await sendFromSql(`user:${id}`, { v: 1 });
    const message = await messages.next('the broadcast');
    assert.equal(message.type, 'broadcast');
    assert.equal(message.event, 'wake');
    assert.equal(message.payload.v, 1);
    assert.match(message.payload.id, /^[0-9a-f-]{36}$/);
    assert.equal(message.meta.id, message.payload.id);
  });

  it('is refused to a caller whom no policy lets read', async () => {
    const [alice, bob] = await Promise.all([user(), user()]);
    const { statuses } = await join(bob.client, alice.topic);
    const { status, reason } = await statuses.next('refused');
    assert.equal(status, 'CHANNEL_ERROR');
    assert.match(reason, /^Unauthorized: /);
  });

  it('is refused to anon, and public channels to everyone', async () => {
    const { topic, client } = await user();
    const anonymous = await (await join(stack.client(), topic)).statuses.next('refused');
    assert.match(anonymous.reason, /^Unauthorized: /);
    const open = await (await join(client, topic, { private: false })).statuses.next('refused');
    assert.match(open.reason, /^PrivateOnly: /);
  });

  it('gets only its own topic, in the order of sending', async () => {
    const [alice, bob] = await Promise.all([user(), user()]);
    const { statuses, messages } = await join(alice.client, alice.topic);
    await statuses.next('joined');
    await sendFromSql(bob.topic, { n: 0 });
    await stack.sql.begin(async (transaction) => {
      for (let n = 1; n <= 20; n += 1) {
        await transaction`select realtime.send(${transaction.json({ n })}, 'wake', ${alice.topic})`;
      }
    });
    for (let n = 1; n <= 20; n += 1) {
      assert.equal((await messages.next(`message ${n}`)).payload.n, n);
    }
  });

  it('hears nothing of a transaction that was rolled back', async () => {
    const { client, topic } = await user();
    const { statuses, messages } = await join(client, topic);
    await statuses.next('joined');
    const rolledBack = stack.sql.begin(async (transaction) => {
      await transaction`select realtime.send('{"n": 1}', 'wake', ${topic})`;
      throw new Error('on purpose');
    });
    await assert.rejects(rolledBack, /on purpose/);
    await sendFromSql(topic, { n: 2 });
    assert.equal((await messages.next('the second')).payload.n, 2);
  });

  it('carries a payload larger than a notification', async () => {
    const { client, topic } = await user();
    const { statuses, messages } = await join(client, topic);
    await statuses.next('joined');
    const text = 'ü'.repeat(100_000);
    await sendFromSql(topic, { text });
    assert.equal((await messages.next('the large one')).payload.text, text);
  });

  it('speaks version 1.0.0, too', async () => {
    const { token, topic } = await user();
    const { statuses, messages } = await join(stack.client({ token, vsn: '1.0.0' }), topic);
    assert.equal((await statuses.next('joined')).status, 'SUBSCRIBED');
    await sendFromSql(topic, { v: 1 });
    assert.equal((await messages.next('the broadcast')).payload.v, 1);
  });

  it('can be left and joined again', async () => {
    const { client, topic } = await user();
    const first = await join(client, topic);
    await first.statuses.next('joined');
    assert.equal(await within('left', client.removeChannel(first.channel)), 'ok');
    const second = await join(client, topic);
    assert.equal((await second.statuses.next('joined')).status, 'SUBSCRIBED');
    await sendFromSql(topic, { n: 1 });
    assert.equal((await second.messages.next('the broadcast')).payload.n, 1);
  });

  it('says when broadcasts from SQL flow, if asked', async () => {
    const { client, topic } = await user();
    const { notices } = await join(client, topic, { broadcast: { replication_ready: true } });
    const notice = await notices.next('the notice');
    assert.equal(notice.status, 'ok');
    assert.equal(notice.message, 'Replication connection established');
  });

  it('leaves no trace of the authorization check', async () => {
    const { client, topic } = await user();
    await (await join(client, topic)).statuses.next('joined');
    const [{ count }] = await stack.sql`
      select count(*)::int from realtime.messages where topic = ${topic}
    `;
    assert.equal(count, 0);
  });
});

describe('clients', () => {
  it('cannot broadcast, over the socket or over HTTP', async () => {
    const { client, token, topic } = await user();
    const sender = await join(client, topic, { broadcast: { ack: true } });
    const listener = await join(stack.client({ token }), topic);
    await Promise.all([sender.statuses.next('joined'), listener.statuses.next('joined')]);
    const forged = { type: 'broadcast', event: 'wake', payload: { forged: true } };
    assert.equal(await sender.channel.send(/** @type {any} */ (forged)), 'error');
    await assert.rejects(sender.channel.httpSend('wake', { forged: true }), /from SQL only/);
    await sendFromSql(topic, { forged: false });
    assert.equal((await listener.messages.next('the true one')).payload.forged, false);
  });

  it('need a valid API key', async () => {
    const url = stack.env.SUPABASE_URL.replace('http', 'ws');
    for (const key of ['', '&apikey=nonsense', `&apikey=${await stack.token({}, -60)}`]) {
      const socket = new WebSocket(`${url}/realtime/v1/websocket?vsn=2.0.0${key}`);
      const refusal = new Promise((resolve) => {
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
      });
      assert.equal(await within('refused', refusal), 401);
    }
  });

  it('get an answer to a frame for a topic that they have not joined', async () => {
    const url = stack.env.SUPABASE_URL.replace('http', 'ws');
    const key = stack.env.SUPABASE_ANON_KEY;
    const socket = new WebSocket(`${url}/realtime/v1/websocket?vsn=2.0.0&apikey=${key}`);
    const frames = new Happenings();
    socket.on('message', (data) => frames.add(JSON.parse(String(data))));
    await within('open', new Promise((resolve) => socket.once('open', resolve)));
    socket.send('not json');
    socket.send(Buffer.from([3, 255]));
    socket.send(JSON.stringify([null, '1', 'realtime:other', 'broadcast', {}]));
    const unmatched = { status: 'error', response: { reason: 'unmatched topic' } };
    assert.deepEqual(await frames.next('the refusal'), [
      null,
      '1',
      'realtime:other',
      'phx_reply',
      unmatched,
    ]);
    socket.send(JSON.stringify([null, '2', 'phoenix', 'heartbeat', {}]));
    assert.deepEqual(await frames.next('the heartbeat'), [
      null,
      '2',
      'phoenix',
      'phx_reply',
      { status: 'ok', response: {} },
    ]);
    socket.close();
  });
});

describe('a token', () => {
  it('that expires ends the channel', async () => {
    const id = randomUUID();
    const token = await stack.token({ sub: id }, 2);
    const { statuses, notices } = await join(stack.client({ token }), `user:${id}`);
    assert.equal((await statuses.next('joined')).status, 'SUBSCRIBED');
    const notice = await notices.next('the end');
    assert.equal(notice.status, 'error');
    assert.match(notice.message, /^Token has expired/);
    assert.equal((await statuses.next('closed')).status, 'CLOSED');
  });

  it('that is expired or forged does not open one', async () => {
    const id = randomUUID();
    const expired = stack.client({ token: await stack.token({ sub: id }, -60) });
    const late = await (await join(expired, `user:${id}`)).statuses.next('refused');
    assert.match(late.reason, /^InvalidJWTToken: Token has expired/);
    const valid = await stack.token({ sub: id });
    const forged = `${valid.slice(0, -6)}AAAAAA`;
    const wrong = await (await join(stack.client({ token: forged }), `user:${id}`)).statuses.next(
      'refused',
    );
    assert.match(wrong.reason, /^JwtSignatureError: /);
  });

  it('replaced by one that may no longer read ends the channel', async () => {
    const sub = randomUUID();
    let token = await stack.token({ sub, club: 'yes' });
    const client = stack.client({ token });
    client.realtime.accessToken = async () => token;
    const { statuses, messages, notices } = await join(client, 'club');
    assert.equal((await statuses.next('joined')).status, 'SUBSCRIBED');

    token = await stack.token({ sub, club: 'yes', renewed: true });
    await client.realtime.setAuth();
    await sendFromSql('club', { n: 1 });
    assert.equal((await messages.next('still joined')).payload.n, 1);

    token = await stack.token({ sub, club: 'no' });
    await client.realtime.setAuth();
    assert.match((await notices.next('the end')).message, /permissions to read/);
    assert.equal((await statuses.next('closed')).status, 'CLOSED');
  });
});

describe('realtime.send', () => {
  it('needs an insert policy, and only warns without one', async () => {
    const { token, topic } = await user();
    const { count } = await stack.sql.begin(async (transaction) => {
      await transaction`set local role authenticated`;
      return transaction`select realtime.send('{}', 'wake', ${topic})`;
    });
    assert.equal(count, 1);
    const [{ sent }] = await stack.sql`
      select count(*)::int as sent from realtime.messages where topic = ${topic}
    `;
    assert.equal(sent, 0);
    assert.ok(token);
  });

  it('goes on after the bridge lost its connection to the database', async () => {
    const { client, topic } = await user();
    const { statuses, messages } = await join(client, topic);
    await statuses.next('joined');
    const listening = () => stack.sql`
      select pid from pg_stat_activity
      where application_name = 'supabase realtime' and query ilike 'listen%'
    `;
    const [{ pid }] = await listening();
    await stack.sql`select pg_terminate_backend(${pid})`;
    await until('the bridge listens again', async () => {
      const [again] = await listening();
      return again && again.pid !== pid;
    });
    await sendFromSql(topic, { n: 1 });
    assert.equal((await messages.next('the broadcast')).payload.n, 1);
  });
});
