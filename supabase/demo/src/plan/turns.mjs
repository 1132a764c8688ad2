// The turns of the story: what goes wrong, or against each other, on purpose.

import { randomUUID } from 'node:crypto';
import { changeNote, deleteNote, newNote, newTask } from './edit.mjs';

/**
 * @typedef {import('./edit.mjs').Step} Step
 * @typedef {import('./everyday.mjs').Context} Context
 */

/** Of a score that may be 0 to 100. */
export const IMPOSSIBLE_SCORE = 140;

/** Of a quiz that nobody else answers. */
const LAST_QUIZ = 99;

const ATOMIC_BATCHES = 8;
const ARCHIVE_EDITS = 30;
const ARCHIVE_NOTES = 10;

/** What each device does besides its everyday edits. @type {Record<string, (context: Context) => Step[]>} */
const TURNS = {
  laptop: (context) => [
    ...context.world.duels.map((id) => [deleteNote(id)]),
    ...grades(context, 2),
    ...batches(context),
  ],
  phone: (context) => [
    ...context.world.doomed.map((id) => [deleteNote(id)]),
    ...context.world.returnDuels.map((id) => defend(context, id)),
    ...context.world.archived.slice(0, 10).map((id) => [archive(context, id)]),
    ...batches(context),
  ],
  tablet: (context) => [
    ...context.world.returnDuels.map((id) => [deleteNote(id)]),
    ...context.world.duels.map((id) => defend(context, id)),
    ...context.world.archived.slice(0, ARCHIVE_EDITS).map((id) => [archive(context, id)]),
    ...Array.from({ length: ARCHIVE_NOTES }, () => [noteInArchive(context)]),
    ...grades(context, 5),
    [impossibleAnswer(context)],
    ...batches(context),
  ],
};

/**
 * @param {Context} context
 * @returns {Step[]}
 */
export const turnsOf = (context) => TURNS[context.device](context);

/** Two people grade the same note: no rule can decide that. @param {Context} context @param {number} first */
const grades = ({ world }, first) =>
  world.graded.map((id, i) => [changeNote('grades', id, { grade: first + i })]);

/** Edits of a note that somebody else deletes: what a person wrote must not disappear. @param {Context} context @param {string} id */
const defend = ({ device, count }, id) => [
  changeNote('titles', id, { title: `Keep this one (${device} ${count()})` }, { likes: 1 }),
];

/** @param {Context} context @param {string} id */
const archive = ({ device, count }, id) =>
  changeNote('titles', id, { title: `Filed (${device} ${count()})` });

/** @param {Context} context */
const noteInArchive = ({ world, userId, device, count }) =>
  newNote(randomUUID(), {
    team_id: world.teams.archive,
    author: userId,
    title: `For the archive (${device} ${count()})`,
  });

/** Breaks a check constraint, which only the server knows. @param {Context} context @returns {import('./edit.mjs').Edit} */
const impossibleAnswer = ({ userId }) => ({
  kind: 'answers',
  op: 'insert',
  table: 'quiz_answer',
  key: { user_id: userId, quiz_id: LAST_QUIZ },
  patch: { choice: 'all of them', score: IMPOSSIBLE_SCORE },
});

/** A note with its tasks: the server takes all of it or nothing. @param {Context} context @returns {Step[]} */
function batches({ device, world, userId, count }) {
  return Array.from({ length: ATOMIC_BATCHES }, () => {
    const note = randomUUID();
    const team = { team_id: world.teams.trip };
    const name = `together (${device} ${count()})`;
    return [
      newNote(note, { ...team, author: userId, title: `Found ${name}` }),
      newTask(randomUUID(), { ...team, note_id: note, title: `Draw, ${name}` }),
      newTask(randomUUID(), { ...team, note_id: note, title: `Press, ${name}` }),
    ];
  });
}
