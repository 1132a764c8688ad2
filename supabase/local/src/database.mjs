// Brings a fresh or older database to the shape of a Supabase project, and applies the
// sample migrations.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { App } from '@supabase/lite';
import { PostgresConnection } from '@supabase/lite/postgres';
import postgres from 'postgres';
import { paths } from './paths.mjs';
import { databaseUrl } from './state.mjs';

/** @typedef {import('postgres').Sql} Sql */

/**
 * Opens a superuser connection.
 *
 * @param {import('./state.mjs').StackState} state
 * @returns {Sql}
 */
export function connectAsAdmin(state) {
  return postgres(databaseUrl(state), {
    max: 1,
    // Notices tell that "if not exists" had nothing to do.
    onnotice: () => {},
    connection: { application_name: 'stack setup' },
  });
}

/**
 * Creates roles, schema auth, schema realtime and the catalog watch. Files that have not
 * changed since they were last applied are left alone.
 *
 * @param {Sql} sql
 * @param {import('./state.mjs').StackState} state
 */
export async function ensurePlatform(sql, state) {
  await sql`create schema if not exists stack`;
  await sql`
    create table if not exists stack.applied_file (
      name text primary key,
      sha256 text not null,
      applied_at timestamptz not null default now()
    )
  `;
  await applyIfChanged(sql, join(paths.sql, 'roles.sql'));
  // The same password as the superuser's: every login here is for this one developer.
  await sql.unsafe(`alter role authenticator password '${state.dbPassword}'`);
  await sql.unsafe(`alter role postgres password '${state.dbPassword}'`);
  await ensureAuthTables(sql, state);
  await applyIfChanged(sql, join(paths.sql, 'auth.sql'));
  await applyIfChanged(sql, join(paths.sql, 'realtime.sql'));
  await applyIfChanged(sql, join(paths.sql, 'schema_watch.sql'));
}

/**
 * Runs a file of SQL statements as one transaction, unless the same content ran before.
 *
 * @param {Sql} sql
 * @param {string} file
 */
async function applyIfChanged(sql, file) {
  const name = basename(file);
  const text = readFileSync(file, 'utf8');
  const sha256 = createHash('sha256').update(text).digest('hex');
  const [known] = await sql`
    select from stack.applied_file where name = ${name} and sha256 = ${sha256}
  `;
  if (known) return;
  await sql.begin(async (transaction) => {
    await transaction.unsafe(text).simple();
    await transaction`
      insert into stack.applied_file (name, sha256)
      values (${name}, ${sha256})
      on conflict (name) do update
      set sha256 = excluded.sha256, applied_at = now()
    `;
  });
}

/**
 * Lets @supabase/lite create the tables that its auth part needs.
 *
 * @param {Sql} sql
 * @param {import('./state.mjs').StackState} state
 */
async function ensureAuthTables(sql, state) {
  const [{ exists }] = await sql`select to_regclass('auth.flow_state') is not null as exists`;
  if (exists) return;
  const connection = new PostgresConnection({
    url: databaseUrl(state),
    postgresOptions: { max: 1, onnotice: () => {} },
  });
  try {
    const app = new App({ connection, auth: { enabled: true, jwt_secret: state.jwtSecret } });
    await app.ensureSystemSchema();
  } finally {
    await connection.close();
  }
}

/**
 * Applies the migrations that have not been applied yet, in order of their names, each in a
 * transaction, as the user `postgres`, and records them as the Supabase CLI does.
 *
 * @param {Sql} sql
 * @returns {Promise<string[]>} versions applied now
 */
export async function applyMigrations(sql) {
  await sql`create schema if not exists supabase_migrations`;
  await sql`
    create table if not exists supabase_migrations.schema_migrations (
      version text primary key,
      statements text[],
      name text
    )
  `;
  const applied = [];
  for (const file of readdirSync(paths.migrations).sort()) {
    const match = /^(\d{14})_(\w+)\.sql$/.exec(file);
    if (!match) continue;
    const [, version, name] = match;
    const [known] = await sql`
      select from supabase_migrations.schema_migrations where version = ${version}
    `;
    if (known) continue;
    const text = readFileSync(join(paths.migrations, file), 'utf8');
    await sql.begin(async (transaction) => {
      await transaction`set local role postgres`;
      await transaction.unsafe(text).simple();
      await transaction`reset role`;
      await transaction`
        insert into supabase_migrations.schema_migrations (version, name, statements)
        values (${version}, ${name}, ${[text]})
      `;
    });
    applied.push(version);
  }
  return applied;
}
