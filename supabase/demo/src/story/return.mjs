// Chapter 4: Ben is let in again, and what was refused is not gone.

import { untilQuiet } from '../devices/quiet.mjs';
import { count } from '../report/narrator.mjs';
import { SERVER } from '../timeline.mjs';
import { rowsOfTeam } from '../verify/rows.mjs';
import { allDevices } from './context.mjs';

/** SQLSTATE of what row level security forbids. */
const NOT_PERMITTED = '42501';

/** @param {import('./context.mjs').Story} story */
export async function letIn(story) {
  const { sql, devices, world, people, ledger, narrator, timeline } = story;
  const { tablet } = devices;
  timeline.chapter('Let in again');
  narrator.chapter('Let in again');
  const refused = ledger
    .rejectedOn(tablet)
    .filter(
      ({ verdict }) => verdict?.status === 'rejected' && verdict.error.code === NOT_PERMITTED,
    );
  narrator.say(
    `Ben's ${count(refused.length, 'edit')} of archive notes were refused, but they wait on the tablet, each with its reason.`,
  );

  await sql`
    insert into public.team_member (team_id, user_id)
    values (${world.teams.archive}, ${people.ben.id})
  `;
  timeline.mark(SERVER, 'let in', 'Ben is back');
  await untilQuiet(allDevices(story));
  const back = rowsOfTeam(await tablet.rows(), world.teams.archive).length;
  for (const { edit, handle } of refused) {
    const [again] = await tablet.db.outbox.retry(/** @type {number} */ (handle.seq));
    ledger.acknowledge(tablet, edit, again);
  }
  await untilQuiet(allDevices(story));
  const taken = ledger.entries
    .slice(-refused.length)
    .filter(({ verdict }) => verdict?.status !== 'rejected');
  narrator.say(
    `The administrator lets him in again: ${count(back, 'row')} come back, he taps "retry", and ${taken.length} of ${refused.length} go through.`,
  );
}
