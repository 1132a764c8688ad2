// Teams and their rows, made through the REST API by somebody who knows nothing of devices.

/** @typedef {import('@supabase/supabase-js').SupabaseClient} SupabaseClient */

/** Rows that one request inserts. */
const IMPORT_ROWS_MAX = 1_000;

/**
 * Founds a team, and lets others join.
 *
 * @param {SupabaseClient} supabase session of the founder
 * @param {string} name
 * @param {string[]} members ids of the others
 * @returns {Promise<string>} id of the team
 */
export async function foundTeam(supabase, name, members) {
  const team = await supabase.from('team').insert({ name }).select('id').single();
  if (team.error) throw team.error;
  const rows = members.map((id) => ({ team_id: team.data.id, user_id: id }));
  await importRows(supabase, 'team_member', rows);
  return team.data.id;
}

/**
 * Inserts rows, a page a request.
 *
 * @param {SupabaseClient} supabase
 * @param {string} name of the table
 * @param {object[]} rows
 */
export async function importRows(supabase, name, rows) {
  for (let from = 0; from < rows.length; from += IMPORT_ROWS_MAX) {
    const { error } = await supabase.from(name).insert(rows.slice(from, from + IMPORT_ROWS_MAX));
    if (error) throw error;
  }
}
