// This project: the extension, over a connection as PostgREST makes it. The devices below do what the protocol asks of a
// device and nothing else: changed columns, what was seen of them, and a clock that is as wrong as it is.

import { randomUUID } from 'node:crypto';
import { applied, differingColumns } from '../operations.mjs';

const TABLE = 'public.synced_row';
const BATCH = 500;

export const ours = (sql) => ({
  name: 'ours',
  title: 'pg_offline_sync',
  async begin({ rows, skew }) {
    const user = randomUUID();
    const given = rows.map((row) => ({ ...row, user_id: user }));
    await sql`insert into public.synced_row
      select * from jsonb_populate_recordset(null::public.synced_row, ${sql.json(given)})`;
    const connection = await sql.reserve();
    await connection`select set_config('role', 'authenticated', false),
      set_config('request.jwt.claims', ${JSON.stringify({ sub: user, role: 'authenticated' })}, false)`;
    const devices = [];
    for (const milliseconds of skew) devices.push(await Device.register(connection, milliseconds));
    return {
      edit: (device, id, operation) => devices[device].edit(id, operation),
      sync: (device) => devices[device].sync(),
      rows: (device) => devices[device].confirmed(),
      async end() {
        await connection`select set_config('role', 'none', false), set_config('request.jwt.claims', '', false)`;
        connection.release();
      },
    };
  },
});

class Device {
  #sql;
  #id = randomUUID();
  #skew;
  #hlc = 0n;
  #seq = 0;
  #cursor = null;
  #rows = new Map();
  #shown = new Map();
  #outbox = [];

  constructor(sql, skew) {
    this.#sql = sql;
    this.#skew = skew;
  }

  static async register(sql, skew) {
    const device = new Device(sql, skew);
    await sql`select offline.register_device(${device.#id}, '{}')`;
    await device.#pull();
    return device;
  }

  edit(id, operation) {
    const shown = this.#shown.get(id) ?? null;
    if (shown === null) return;
    const row = applied(shown, operation);
    this.#shown.set(id, row);
    const names = row === null ? [] : differingColumns(shown, row);
    if (row !== null && names.length === 0) return;
    this.#outbox.push({
      seq: `${++this.#seq}`,
      op: row === null ? 'delete' : 'update',
      table: TABLE,
      key: { id },
      base: this.#rows.get(id).version,
      hlc: this.#tick(),
      patch: Object.fromEntries(names.map((name) => [name, row[name]])),
      before: Object.fromEntries(names.map((name) => [name, shown[name]])),
    });
  }

  async sync() {
    while (this.#outbox.length > 0) await this.#push(this.#outbox.splice(0, BATCH));
    await this.#pull();
  }

  confirmed() {
    return new Map([...this.#rows].map(([id, { row }]) => [id, row]));
  }

  #tick() {
    const now = BigInt(Math.max(Date.now() + this.#skew, 0)) << 16n;
    this.#hlc = now > this.#hlc ? now : this.#hlc + 1n;
    return `${this.#hlc}`;
  }

  async #push(mutations) {
    const batch = JSON.stringify({ v: 1, sent_at: new Date().toISOString(), mutations });
    const [{ answer }] = await this.#sql`select offline.push(${this.#id}, ${batch}) as answer`;
    const bad = answer.results.find(({ status }) => !['applied', 'merged'].includes(status));
    if (bad) throw new Error(`a mutation was not written: ${JSON.stringify(bad)}`);
  }

  async #pull() {
    for (let more = true; more; ) {
      const request = this.#sql.json({ cursor: this.#cursor, limit: 1000 });
      const [{ answer }] = await this.#sql`select offline.pull(${this.#id}, ${request}) as answer`;
      for (const { table, upserts = [], deletes = [], evicts = [] } of answer.changes) {
        if (table !== TABLE) continue;
        for (const { version, row } of upserts) {
          const { user_id, ...columns } = row;
          this.#rows.set(row.id, { version, row: columns });
        }
        for (const { key } of [...deletes, ...evicts]) this.#rows.delete(key.id);
      }
      // What the server's clock says is seen: later edits are later.
      const seen = BigInt(answer.server_hlc);
      if (seen > this.#hlc) this.#hlc = seen;
      this.#cursor = answer.cursor;
      more = answer.has_more;
    }
    this.#shown = this.confirmed();
  }
}
