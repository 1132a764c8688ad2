// A private Postgres with the extension, that ends with this program.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';

const CLUSTER = fileURLToPath(new URL('../../../pg_offline_sync/tests/cluster.sh', import.meta.url));

const PLATFORM = `
  create role anon nologin;
  create role authenticated nologin;
  create role service_role nologin bypassrls;
  create role authenticator login noinherit;
  grant anon, authenticated, service_role to authenticator;
  create schema auth;
  create function auth.uid() returns uuid language sql stable as $$
    select nullif(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', '')::uuid
  $$;
  grant usage on schema auth, public to anon, authenticated, service_role;`;

const COLUMNS = `
  id uuid primary key, title text, status text, place text, owner_note text, body text, likes int4, tags text[], settings jsonb`;

const OPTIONS = JSON.stringify({
  scope: 'user_id',
  members: 'select auth.uid()::text',
  policy: {
    default: 'last_write_wins',
    columns: { likes: 'counter', body: 'text', tags: 'set', settings: 'json' },
  },
});

const TABLES = `
  create table public.plain_row (${COLUMNS});
  create table public.synced_row (${COLUMNS}, user_id uuid not null);
  create index on public.synced_row (user_id);
  alter table public.synced_row enable row level security;
  create policy own on public.synced_row for all to authenticated
    using (user_id = auth.uid()) with check (user_id = auth.uid());
  grant all on public.synced_row to authenticated;
  create extension pg_offline_sync;
  select count(*) from offline.bootstrap();
  select offline.enable_sync('public.synced_row', '${OPTIONS}');`;

/** Starts it; `end` stops it. */
export async function startServer() {
  const cluster = spawn('bash', [CLUSTER], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OFFLINE_TEST_FSYNC: 'off' },
  });
  const ended = once(cluster, 'exit');
  const [line] = await Promise.race([
    once(createInterface({ input: cluster.stdout }), 'line'),
    ended.then(([code]) => {
      throw new Error(`Postgres did not start (${code})`);
    }),
  ]);
  const { host, port, user, dbname } = Object.fromEntries(
    line.split(' ').map((setting) => setting.split('=')),
  );
  const options = { host, port: Number(port), user, database: dbname, onnotice() {}, max: 4 };
  const sql = postgres(options);
  const end = async () => {
    await sql.end();
    cluster.stdin.end();
    await ended;
  };
  try {
    await sql.unsafe(PLATFORM);
    await sql.unsafe(TABLES);
  } catch (error) {
    await end();
    throw error;
  }
  return { sql, end };
}
