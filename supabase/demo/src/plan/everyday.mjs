// Everyday edits: what people do hundreds of times while the network is gone.
//
// No two edits write the same value, so that each of them leaves a trace of its own.

import { randomUUID } from 'node:crypto';
import { integer, pick, pickWeighted } from './dice.mjs';
import { changeNote, newNote, newTask } from './edit.mjs';

/**
 * @typedef {import('./edit.mjs').Edit} Edit
 * @typedef {import('./dice.mjs').Random} Random
 *
 * @typedef {object} Context
 * @property {string} device its name
 * @property {string} userId
 * @property {import('./world.mjs').World} world
 * @property {Random} random
 * @property {string[]} ownNotes notes that this device has made
 * @property {Map<number, number>} scores this device's best score by quiz
 * @property {() => number} count counts this device's edits: 1, 2, 3 ...
 */

/** Notes that all devices edit most. */
const BUSY_NOTES = 60;

const QUIZZES = 40;

const QUIZ_OPENED_AT = Date.UTC(2026, 0, 5, 8);

/** How often what is done, and how. @type {{ weight: number, make: (context: Context) => Edit }[]} */
const MIX = [
  { weight: 22, make: retitle },
  { weight: 16, make: rewrite },
  { weight: 25, make: like },
  { weight: 4, make: changeState },
  { weight: 14, make: addNote },
  { weight: 10, make: addTask },
  { weight: 6, make: finishTask },
  { weight: 2, make: answer },
  { weight: 1, make: changeSetting },
];

/**
 * @param {Context} context
 * @returns {Edit}
 */
export const everydayEdit = (context) => pickWeighted(context.random, MIX).make(context);

/** @param {Context} context @param {string} what */
const unique = ({ device, count }, what) => `${what} (${device} ${count()})`;

/** @param {Context} context */
function retitle(context) {
  const note = pick(context.random, context.world.open.slice(0, BUSY_NOTES));
  return changeNote('titles', note, { title: unique(context, 'Renamed') });
}

/** Every other note: the texts of the rest are rewritten on the server meanwhile. @param {Context} context */
function rewrite(context) {
  const note = pick(context.random, context.world.open.filter(isRewrittenOffline));
  return changeNote('texts', note, { body: unique(context, 'Rewritten in the field') });
}

/** @param {string} _note @param {number} i */
export const isRewrittenOffline = (_note, i) => i % 2 === 0;

/** @param {Context} context */
function like(context) {
  const note = pick(context.random, context.world.open);
  return changeNote('likes', note, {}, { likes: integer(context.random, 1, 5) });
}

/** @param {Context} context */
function changeState(context) {
  const note = pick(context.random, context.world.open);
  return changeNote('states', note, { status: unique(context, 'reviewed') });
}

/** @param {Context} context */
function addNote(context) {
  const id = randomUUID();
  context.ownNotes.push(id);
  return newNote(id, {
    team_id: context.world.teams.trip,
    author: context.userId,
    title: unique(context, 'Found'),
  });
}

/** On a note of the same device now and then: then parent and child travel together. @param {Context} context */
function addTask(context) {
  const { random, ownNotes, world } = context;
  const parents = ownNotes.length > 0 && random() < 0.5 ? ownNotes : world.open;
  return newTask(randomUUID(), {
    team_id: world.teams.trip,
    note_id: pick(random, parents),
    title: unique(context, 'To do'),
  });
}

/** @param {Context} context @returns {Edit} */
function finishTask(context) {
  return {
    kind: 'tasks',
    op: 'update',
    table: 'team_task',
    key: { id: pick(context.random, context.world.tasks) },
    patch: { title: unique(context, 'Done'), done: true },
  };
}

/** A quiz can be taken again and again: the first time and the best score count. @param {Context} context @returns {Edit} */
function answer(context) {
  const { random, userId, scores } = context;
  const quiz = integer(random, 1, QUIZZES);
  const best = scores.get(quiz);
  const score = Math.min(100, (best ?? 0) + integer(random, 1, 40));
  scores.set(quiz, score);
  const answeredAt = new Date(QUIZ_OPENED_AT + integer(random, 1, 100_000) * 1_000).toISOString();
  return {
    kind: 'answers',
    op: 'upsert',
    table: 'quiz_answer',
    key: { user_id: userId, quiz_id: quiz },
    patch: {
      choice: unique(context, pick(random, ['a', 'b', 'c'])),
      score,
      ...(best === undefined && { answered_at: answeredAt }),
    },
  };
}

/** @param {Context} context @returns {Edit} */
function changeSetting(context) {
  return {
    kind: 'settings',
    op: 'upsert',
    table: 'setting',
    key: { user_id: context.userId },
    patch: {
      theme: pick(context.random, ['light', 'dark', 'system']),
      language: unique(context, 'eo'),
    },
  };
}
