// What an app without a sync engine does with supabase-js: it keeps the rows, edits them, and writes them when there is a
// network. The statements are those that PostgREST makes of `.upsert(row)`, `.update(columns)` and `.delete()`.

import { applied, differingColumns } from '../operations.mjs';

/** The whole row. */
export const upsert = (sql) => plain(sql, 'upsert', 'upsert of the row', writeRow);

/** Only the columns that were changed. */
export const columns = (sql) => plain(sql, 'column_update', 'update of the columns', writeColumns);

function plain(sql, name, title, write) {
  return {
    name,
    title,
    async begin({ rows, skew }) {
      await sql`truncate public.plain_row`;
      await sql`insert into public.plain_row
        select * from jsonb_populate_recordset(null::public.plain_row, ${sql.json(rows)})`;
      const devices = skew.map(() => ({ seen: new Map(), shown: new Map() }));
      for (const device of devices) await read(sql, device);
      return {
        edit(device, id, operation) {
          const { shown } = devices[device];
          shown.set(id, applied(shown.get(id) ?? null, operation));
        },
        async sync(device) {
          const { seen, shown } = devices[device];
          for (const [id, row] of shown) {
            const old = seen.get(id) ?? null;
            if (row === old) continue;
            if (row === null) await sql`delete from public.plain_row where id = ${id}`;
            else await write(sql, id, old, row);
          }
          await read(sql, devices[device]);
        },
        rows: (device) => devices[device].seen,
        end() {},
      };
    },
  };
}

async function read(sql, device) {
  const rows = await sql`select to_jsonb(r) as row from public.plain_row r`;
  device.seen = new Map(rows.map(({ row }) => [row.id, row]));
  device.shown = new Map(device.seen);
}

async function writeRow(sql, _id, _old, row) {
  await sql`insert into public.plain_row
    select * from jsonb_populate_record(null::public.plain_row, ${sql.json(row)})
    on conflict (id) do update set (title, status, place, owner_note, body, likes, tags, settings) =
      (excluded.title, excluded.status, excluded.place, excluded.owner_note, excluded.body,
       excluded.likes, excluded.tags, excluded.settings)`;
}

async function writeColumns(sql, id, old, row) {
  const names = differingColumns(old, row);
  if (names.length === 0) return;
  const patch = sql.json(Object.fromEntries(names.map((name) => [name, row[name]])));
  await sql`update public.plain_row set (${sql(names)}) = (
      select ${sql(names)} from jsonb_populate_record(null::public.plain_row, ${patch}))
    where id = ${id}`;
}
