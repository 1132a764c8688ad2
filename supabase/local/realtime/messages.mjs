// Follows realtime.messages and hands over each new row.

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {string} topic
 * @property {string} event
 * @property {unknown} payload
 */

/** As long as Supabase keeps a message. */
const RETENTION = '72 hours';

const PRUNE_INTERVAL_MS = 3_600_000;

/**
 * @param {import('postgres').Sql} sql
 * @param {(message: Message) => void} deliver called in the order of the commits
 * @returns {Promise<() => Promise<void>>} ends it
 */
export async function followMessages(sql, deliver) {
  /** @type {string[]} */
  let announced = [];
  let fetching = false;

  async function fetchAnnounced() {
    if (fetching) return;
    fetching = true;
    try {
      while (announced.length > 0) {
        const ids = announced;
        announced = [];
        const rows = await sql`
          select messages.id, topic, event, payload
          from realtime.messages
          join unnest(${ids}::uuid[]) with ordinality as announced (id, position) using (id)
          where payload is not null
          order by announced.position
        `;
        for (const row of rows) deliver(/** @type {any} */ (row));
      }
    } catch (error) {
      // A wake-up is a hint: what is lost here, a later pull brings.
      console.error('messages could not be read:', error);
    } finally {
      fetching = false;
    }
  }

  const { unlisten } = await sql.listen('realtime_messages', (id) => {
    announced.push(id);
    fetchAnnounced();
  });

  const prune = () =>
    sql`
      delete from realtime.messages
      where inserted_at < now() - ${RETENTION}::interval
    `.catch((error) => console.error('old messages could not be deleted:', error));
  await prune();
  const timer = setInterval(prune, PRUNE_INTERVAL_MS);

  return async () => {
    clearInterval(timer);
    await unlisten();
  };
}
