// The rows that exist before the network goes, and who will do what to them.

import { randomUUID } from 'node:crypto';

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 *
 * @typedef {object} World
 * @property {{ trip: string, archive: string }} teams ids; everybody is in both
 * @property {string[]} open notes of the trip that everybody edits; the first are the busiest
 * @property {string[]} graded notes that two devices grade
 * @property {string[]} duels notes that the laptop deletes and the tablet edits
 * @property {string[]} returnDuels notes that the tablet deletes and the phone edits
 * @property {string[]} doomed notes that the phone deletes, and nobody else touches; they have tasks
 * @property {string[]} archived notes of the archive, from which Ben will be locked out
 * @property {string[]} tasks tasks of open notes
 *
 * @typedef {{ note: JsonRow[], team_task: JsonRow[] }} SeedRows
 */

const COUNTS = { open: 360, graded: 4, duels: 12, returnDuels: 6, doomed: 10, archived: 80 };
const TASKS = { open: 180, doomed: 20, archived: 40 };

const SUBJECTS = [
  'Owl pellet',
  'River stone',
  'Fern',
  'Moss',
  'Beetle',
  'Fossil',
  'Feather',
  'Lichen',
];

/**
 * @param {World['teams']} teams
 * @param {string} author
 * @returns {{ world: World, rows: SeedRows }} rows are what an import writes
 */
export function makeWorld(teams, author) {
  /** @type {SeedRows} */
  const rows = { note: [], team_task: [] };
  /** @param {number} count @param {string} team */
  const notes = (count, team) =>
    Array.from({ length: count }, () => {
      const number = rows.note.length + 1;
      const title = `${SUBJECTS[number % SUBJECTS.length]} ${number}`;
      const note = {
        id: randomUUID(),
        team_id: team,
        author,
        title,
        body: `Found at stop ${number}`,
      };
      rows.note.push({ ...note, likes: number % 7 });
      return note.id;
    });
  /** @param {number} count @param {string} team @param {string[]} parents */
  const tasks = (count, team, parents) =>
    Array.from({ length: count }, (_, i) => {
      const title = `Label specimen ${rows.team_task.length + 1}`;
      const task = { id: randomUUID(), team_id: team, note_id: parents[i % parents.length], title };
      rows.team_task.push(task);
      return task.id;
    });
  const world = {
    teams,
    open: notes(COUNTS.open, teams.trip),
    graded: notes(COUNTS.graded, teams.trip),
    duels: notes(COUNTS.duels, teams.trip),
    returnDuels: notes(COUNTS.returnDuels, teams.trip),
    doomed: notes(COUNTS.doomed, teams.trip),
    archived: notes(COUNTS.archived, teams.archive),
    /** @type {string[]} */
    tasks: [],
  };
  world.tasks = tasks(TASKS.open, teams.trip, world.open);
  tasks(TASKS.doomed, teams.trip, world.doomed);
  tasks(TASKS.archived, teams.archive, world.archived);
  return { world, rows };
}
