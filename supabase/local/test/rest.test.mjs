import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { until } from '../src/wait.mjs';
import { TestStack } from './support.mjs';

const stack = new TestStack();

before(() => stack.up());
after(() => stack.remove());

/** @param {string} statements */
async function define(statements) {
  await stack.sql.unsafe(statements);
  await stack.run('reload');
}

describe('auth', () => {
  it('signs a user up, in, and on with a refreshed session', async () => {
    const client = stack.client();
    const email = `${randomUUID()}@example.org`;
    const signedUp = await client.auth.signUp({ email, password: 'correct horse' });
    assert.equal(signedUp.error, null);
    const signedIn = await client.auth.signInWithPassword({ email, password: 'correct horse' });
    assert.equal(signedIn.data.user?.id, signedUp.data.user?.id);
    const refreshed = await client.auth.refreshSession();
    assert.equal(refreshed.error, null);
    const { data } = await client.auth.getUser();
    assert.equal(data.user?.email, email);
  });

  it('refuses a wrong password', async () => {
    const { error } = await stack
      .client()
      .auth.signInWithPassword({ email: 'nobody@example.org', password: 'wrong' });
    assert.equal(error?.code, 'invalid_credentials');
  });

  it('fills auth.uid, auth.role, auth.email and auth.jwt', async () => {
    await define(`
      create function public.whoami() returns jsonb language sql stable as $f$
        select jsonb_build_object('uid', auth.uid(), 'role', auth.role(), 'email', auth.email(),
          'sub', auth.jwt() ->> 'sub', 'user', current_user, 'session', session_user)
      $f$`);
    const { client, id } = await stack.signedUpUser();
    const { data: user } = await client.auth.getUser();
    const { data } = await client.rpc('whoami');
    assert.deepEqual(data, {
      uid: id,
      role: 'authenticated',
      email: user.user?.email,
      sub: id,
      user: 'authenticated',
      session: 'authenticator',
    });
    const { data: anonymous } = await stack.client().rpc('whoami');
    assert.equal(anonymous.uid, null);
    assert.equal(anonymous.role, 'anon');
    assert.equal(anonymous.user, 'anon');
  });

  it('believes a signed token without a user, as PostgREST does', async () => {
    const token = await stack.token();
    const { error } = await stack.client({ token }).from('note').select('id');
    assert.equal(error, null);
  });

  it('refuses an expired token, a foreign key and no key', async () => {
    const token = await stack.token({}, -60);
    const expired = await stack.client({ token }).from('note').select('id');
    assert.equal(expired.status, 401);
    assert.equal(expired.error?.code, 'PGRST303');
    const foreign = await stack.client({ key: 'not-a-key' }).from('note').select('id');
    assert.equal(foreign.status, 401);
    const keyless = await fetch(`${stack.env.SUPABASE_URL}/rest/v1/note`);
    assert.equal(keyless.status, 401);
  });
});

describe('row level security', () => {
  it('shows a team to its members only', async () => {
    const [alice, bob] = await Promise.all([stack.signedUpUser(), stack.signedUpUser()]);
    const team = await alice.client.from('team').insert({ name: 'red' }).select().single();
    assert.equal(team.error, null);
    const note = { team_id: team.data.id, title: 'Plan' };
    assert.equal((await alice.client.from('note').insert(note)).error, null);

    assert.deepEqual((await bob.client.from('note').select('title')).data, []);
    assert.equal((await bob.client.from('note').insert(note)).error?.code, '42501');

    const member = { team_id: team.data.id, user_id: bob.id };
    assert.equal((await alice.client.from('team_member').insert(member)).error, null);
    assert.deepEqual((await bob.client.from('note').select('title')).data, [{ title: 'Plan' }]);
  });

  it('keeps answers, progress and settings to their user', async () => {
    const [alice, bob] = await Promise.all([stack.signedUpUser(), stack.signedUpUser()]);
    /** @type {Record<string, any>} */
    const rows = {
      quiz_answer: { quiz_id: 1, choice: 'b', score: 70 },
      lesson_progress: { lesson_id: 3, percent: 40 },
      setting: { theme: 'dark' },
    };
    for (const [table, row] of Object.entries(rows)) {
      const inserted = await alice.client.from(table).insert(row).select('user_id').single();
      assert.equal(inserted.data?.user_id, alice.id, table);
      assert.deepEqual((await bob.client.from(table).select()).data, [], table);
      const forged = await bob.client.from(table).insert({ ...row, user_id: alice.id });
      assert.equal(forged.error?.code, '42501', table);
    }
  });

  it('lets everyone read articles and only the service write them', async () => {
    const article = { slug: 'hello', title: 'Hello' };
    assert.equal(
      (await stack.client().from('public_article').insert(article)).error?.code,
      '42501',
    );
    const service = stack.client({ key: stack.env.SUPABASE_SERVICE_ROLE_KEY });
    assert.equal((await service.from('public_article').insert(article)).error, null);
    const { data } = await stack
      .client()
      .from('public_article')
      .select('title')
      .eq('slug', 'hello');
    assert.deepEqual(data, [{ title: 'Hello' }]);
  });

  it('never serves a request in the role of another', async () => {
    await define(`
      create function public.role_and_uid() returns text language sql volatile as $f$
        select current_user || ' ' || coalesce(auth.uid()::text, 'nobody')
      $f$`);
    const token = await stack.token({ sub: '00000000-0000-4000-8000-000000000001' });
    const service = stack.client({ key: stack.env.SUPABASE_SERVICE_ROLE_KEY });
    const callers = /** @type {const} */ ([
      [stack.client({ token }), 'authenticated 00000000-0000-4000-8000-000000000001'],
      [stack.client(), 'anon nobody'],
      [service, 'service_role nobody'],
    ]);
    const calls = Array.from({ length: 150 }, async (_, index) => {
      const [client, expected] = callers[index % callers.length];
      assert.equal((await client.rpc('role_and_uid')).data, expected);
    });
    await Promise.all(calls);
  });

  it('opens no schema to the API roles because it has a policy', async () => {
    await define(`
      create schema hidden;
      create table hidden.secret (id int);
      alter table hidden.secret enable row level security;`);
    await stack.client().from('public_article').select('id');
    const [{ open }] =
      await stack.sql`select has_schema_privilege('anon', 'hidden', 'usage') as open`;
    assert.equal(open, false);
  });
});

describe('what PostgREST would answer', () => {
  const failures = /** @type {const} */ ([
    ['23514', 400],
    ['23505', 409],
    ['23503', 409],
    ['40001', 500],
    ['40P01', 500],
    ['53300', 503],
    ['57014', 500],
    ['P0001', 400],
    ['22023', 400],
    ['42501', 401],
    ['PT409', 409],
    ['PT413', 413],
  ]);

  it('keeps the SQLSTATE, detail and hint of an error, with its HTTP status', async () => {
    await define(`
      create function public.fail(p_code text) returns void language plpgsql as $f$
      begin
        raise exception using errcode = p_code, message = 'as asked', detail = 'more', hint = 'try';
      end $f$`);
    for (const [code, status] of failures) {
      const answer = await stack.client().rpc('fail', { p_code: code });
      assert.equal(answer.status, status, code);
      const { message, details, hint } = answer.error ?? {};
      assert.deepEqual(
        { code: answer.error?.code, message, details, hint },
        { code, message: 'as asked', details: 'more', hint: 'try' },
      );
    }
  });

  it("applies the role's statement timeout", async () => {
    await define(`
      alter role anon set statement_timeout = '100ms';
      create function public.dawdle() returns void language sql as 'select pg_sleep(30)'`);
    const { error } = await stack.client().rpc('dawdle');
    assert.equal(error?.code, '57014');
    await define(`alter role anon set statement_timeout = '3s'`);
  });

  it('sends times in ISO 8601', async () => {
    const service = stack.client({ key: stack.env.SUPABASE_SERVICE_ROLE_KEY });
    const published_at = '2026-11-20T10:00:00.123456+00:00';
    const article = { slug: 'time', title: 'Time', published_at };
    const { data } = await service.from('public_article').insert(article).select().single();
    assert.equal(data.published_at, published_at);
  });

  it('passes text and jsonb arguments through unchanged', async () => {
    await define(`
      create function public.echo(p_text text, p_json jsonb) returns jsonb language sql as
      $f$ select jsonb_build_object('text', p_text, 'json', p_json) $f$`);
    const text = '{"v":1,  "quote\\"d": "ünïcode 😀 \\\\ \\u0007"}\n';
    const object = { nested: [1, null, { deep: 'x' }], empty: {}, text };
    for (const json of [object, [], [object], 5, true, 'a string', null]) {
      const { data, error } = await stack.client().rpc('echo', { p_text: text, p_json: json });
      assert.equal(error, null);
      assert.deepEqual(data, { text, json });
    }
  });

  it('leaves text alone that looks like something else', async () => {
    const service = stack.client({ key: stack.env.SUPABASE_SERVICE_ROLE_KEY });
    for (const body of ['{"x": 1}', '[1]', '5', 'true', 'null', '2026-11-20 10:00:00+00', '']) {
      const article = { slug: randomUUID(), title: 'Text', body };
      const { data } = await service.from('public_article').insert(article).select().single();
      assert.equal(data.body, body);
    }
  });

  it('sends and takes bytes in hexadecimal', async () => {
    await define(`
      create table public.blob (bytes bytea);
      grant all on public.blob to anon;`);
    const client = stack.client();
    assert.equal((await client.from('blob').insert({ bytes: '\\xdead00' })).error, null);
    assert.deepEqual((await client.from('blob').select()).data, [{ bytes: '\\xdead00' }]);
    const [{ size }] = await stack.sql`select length(bytes) as size from public.blob`;
    assert.equal(size, 3);
  });

  it('answers preflight requests of browsers', async () => {
    const answer = await fetch(`${stack.env.SUPABASE_URL}/rest/v1/rpc/push`, {
      method: 'OPTIONS',
      headers: {
        origin: 'http://localhost:5173',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'apikey, x-anything',
      },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(answer.headers.get('access-control-allow-headers'), 'apikey, x-anything');
  });
});

describe('after DDL', () => {
  it('the API sees a new table by itself', async () => {
    await stack.sql.unsafe('create table public.brand_new (id int primary key)');
    const client = stack.client();
    await until('the table is served', async () => {
      return (await client.from('brand_new').select()).error === null;
    });
  });

  it('no request is lost while the API reads the catalog', async () => {
    const client = stack.client();
    let reloading = true;
    const reloads = Promise.all(Array.from({ length: 3 }, () => stack.run('reload'))).finally(
      () => {
        reloading = false;
      },
    );
    let answered = 0;
    while (reloading) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => client.from('public_article').select('id')),
      );
      for (const { error } of answers) assert.equal(error, null);
      answered += answers.length;
    }
    await reloads;
    assert.ok(answered > 0);
  });

  it('a changed table is served without stale plans', async () => {
    await define('create table public.shifting (id int); insert into public.shifting values (1)');
    const client = stack.client();
    const read = () => client.from('shifting').select();
    assert.deepEqual((await read()).data, [{ id: 1 }]);
    await define('alter table public.shifting alter column id type text, add column more int');
    const answers = await Promise.all(Array.from({ length: 40 }, read));
    for (const { data } of answers) assert.deepEqual(data, [{ id: '1', more: null }]);
  });
});
