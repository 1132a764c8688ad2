// What the database itself says, asked by its administrator.

import { KEYS, rowId, TABLE_NAMES } from '../tables.mjs';
import { traceId } from './account.mjs';

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../stack.mjs').Sql} Sql
 */

/** Which rows belong to a story, by table. @type {Record<import('../tables.mjs').TableName, string>} */
const BELONGS = {
  team: 'id = any ($1)',
  team_member: 'team_id = any ($1)',
  note: 'team_id = any ($1)',
  team_task: 'team_id = any ($1)',
  quiz_answer: 'user_id = any ($1)',
  setting: 'user_id = any ($1)',
};

/**
 * All rows of some teams and people, by row id.
 *
 * @param {Sql} sql
 * @param {string[]} ids of the teams and of the people
 * @returns {Promise<Map<string, JsonRow>>}
 */
export async function storedRows(sql, ids) {
  /** @type {Map<string, JsonRow>} */
  const rows = new Map();
  for (const name of TABLE_NAMES) {
    const order = KEYS[name].join(', ');
    const found = await sql.unsafe(
      `select to_json(t) as row from public.${name} as t where ${BELONGS[name]} order by ${order}`,
      [/** @type {any} */ (ids)],
    );
    for (const { row } of found) rows.set(rowId(name, row), row);
  }
  return rows;
}

/**
 * How the tables merge, as `enable_sync` was told.
 *
 * @param {Sql} sql
 * @returns {Promise<Record<string, import('./expected.mjs').Policy>>} by table
 */
export async function readPolicies(sql) {
  const found = await sql`
    select c.relname as name, s.policy
    from offline_data.synced_table as s
    join pg_class as c on c.oid = s.relation
    where c.relnamespace = 'public'::regnamespace
  `;
  return Object.fromEntries(
    found.map(({ name, policy }) => [name, { default: 'last_write_wins', ...policy }]),
  );
}

/**
 * What is remembered of the mutations of some devices.
 *
 * @param {Sql} sql
 * @param {string[]} devices ids
 * @returns {Promise<import('./account.mjs').Traces>}
 */
export async function readTraces(sql, devices) {
  const [written, decided, refused, acknowledged] = await Promise.all([
    // The most often that one mutation wrote one row.
    sql`
      select device_id, device_seq, max(times)::int as times
      from (
        select device_id, device_seq, count(*) as times
        from offline_data.row_history
        where device_id = any (${devices}::uuid[])
        group by device_id, device_seq, table_id, row_key
      ) as row_writes
      group by device_id, device_seq
    `,
    sql`
      select distinct device_id, device_seq
      from offline_data.conflict_resolution_log
      where device_id = any (${devices}::uuid[])
    `,
    sql`
      select device_id, seq, error ->> 'code' as code
      from offline_data.sync_queue
      where device_id = any (${devices}::uuid[]) and status = 'dead'
    `,
    sql`
      select device_id, acked_seq
      from offline_data.device_sync_state
      where device_id = any (${devices}::uuid[])
    `,
  ]);
  return {
    written: new Map(written.map((row) => [traceId(row.device_id, row.device_seq), row.times])),
    decided: new Set(decided.map((row) => traceId(row.device_id, row.device_seq))),
    refused: new Map(refused.map((row) => [traceId(row.device_id, row.seq), row.code])),
    acknowledged: new Map(acknowledged.map((row) => [row.device_id, Number(row.acked_seq)])),
  };
}
