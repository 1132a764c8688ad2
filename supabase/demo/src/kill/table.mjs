// The table that is written while the server is killed: a column for each policy that combines, and
// what each edit leaves in it. Another policy is one more entry here, and its check in check.mjs.

import { table } from '../client.mjs';

export const TABLE = 'public.kill_item';

/** @type {Record<string, { type: string, policy: string }>} */
export const COLUMNS = {
  title: { type: "text not null default ''", policy: 'last_write_wins' },
  total: { type: 'integer not null default 0', policy: 'counter' },
  best: { type: 'integer not null default 0', policy: 'max' },
  tags: { type: "text[] not null default '{}'", policy: 'set' },
  body: { type: "text not null default ''", policy: 'text' },
  doc: { type: "jsonb not null default '{}'", policy: 'json' },
};

export const tables = {
  kill_item: table({ key: ['id'], generateKey: () => crypto.randomUUID() }),
};

/**
 * Makes the table, visible to every user, and has it synced.
 *
 * @param {import('postgres').Sql} sql
 */
export async function createTable(sql) {
  const columns = Object.entries(COLUMNS).map(([name, { type }]) => `${name} ${type}`);
  const policies = Object.entries(COLUMNS).map(([name, { policy }]) => [name, policy]);
  const options = {
    scope: "'public'",
    members: "select 'public'",
    policy: { default: 'last_write_wins', columns: Object.fromEntries(policies) },
  };
  await sql.begin(async (transaction) => {
    await transaction`set local role postgres`;
    await transaction.unsafe(`
      create table ${TABLE} (id uuid primary key, ${columns.join(', ')});
      alter table ${TABLE} enable row level security;
      create policy everybody on ${TABLE} for all to authenticated using (true) with check (true);
      grant select, insert, update, delete on ${TABLE} to authenticated;
    `);
    await transaction`select offline.enable_sync(${TABLE}, ${transaction.json(options)})`;
  });
}

/** @template T @param {() => number} random @param {T[]} from at least one @returns {T} */
export const pick = (random, from) => from[Math.floor(random() * from.length)];
