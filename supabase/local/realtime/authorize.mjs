// May this caller read this topic? Answered as Realtime does: by the policies on
// realtime.messages, tried out in a transaction that is rolled back.

import { randomUUID } from 'node:crypto';

/** Carries the answer out of the transaction and makes it roll back. */
class RolledBack extends Error {
  /** @param {boolean} visible */
  constructor(visible) {
    super('rolled back on purpose');
    this.visible = visible;
  }
}

/**
 * @param {import('postgres').Sql} sql connection that may insert into realtime.messages and
 *   take on any role
 * @param {object} request
 * @param {string} request.topic without the prefix `realtime:`
 * @param {import('../src/keys.mjs').Claims} request.claims
 * @param {Record<string, unknown>} request.headers
 * @returns {Promise<boolean>} false also when a policy fails
 */
export async function mayRead(sql, { topic, claims, headers }) {
  try {
    await sql.begin(async (transaction) => {
      throw new RolledBack(await probe(transaction, { topic, claims, headers }));
    });
    return false;
  } catch (error) {
    if (error instanceof RolledBack) return error.visible;
    if (error instanceof Error && error.name === 'PostgresError') {
      console.warn(`policies of realtime.messages failed for topic ${topic}:`, error.message);
      return false;
    }
    throw error;
  }
}

/**
 * @param {import('postgres').TransactionSql} transaction
 * @param {Parameters<typeof mayRead>[1]} request
 */
async function probe(transaction, { topic, claims, headers }) {
  const id = randomUUID();
  await transaction`
    insert into realtime.messages (id, topic, extension)
    values (${id}, ${topic}, 'broadcast')
  `;
  await transaction`
    select
      set_config('role', ${claims.role}, true),
      set_config('realtime.topic', ${topic}, true),
      set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
      set_config('request.jwt.claim.sub', ${claims.sub ?? ''}, true),
      set_config('request.jwt.claim.role', ${claims.role}, true),
      set_config('request.headers', ${JSON.stringify(headers)}, true)
  `;
  const visible = await transaction`select from realtime.messages where id = ${id}`;
  return visible.length === 1;
}
