// The synced tables that the demonstration uses, as an app declares them.

import { table } from './client.mjs';

/**
 * @typedef {import('../../../client-js/dist/index.js').JsonRow} JsonRow
 * @typedef {{ id: string, name: string, created_by: string, created_at: string }} Team
 * @typedef {{ team_id: string, user_id: string, joined_at: string }} Member
 * @typedef {{ id: string, team_id: string, author: string, title: string, body: string, likes: number,
 *   status: string, grade: number | null, updated_at: string }} Note
 * @typedef {{ id: string, team_id: string, note_id: string, title: string, done: boolean, updated_at: string }} Task
 * @typedef {{ user_id: string, quiz_id: number, choice: string, score: number | null, answered_at: string }} Answer
 * @typedef {{ user_id: string, theme: string, language: string, reminders: boolean }} Setting
 */

/** Key columns by table; the order is the one in which rows are listed. */
export const KEYS = /** @type {const} */ ({
  team: ['id'],
  team_member: ['team_id', 'user_id'],
  note: ['id'],
  team_task: ['id'],
  quiz_answer: ['user_id', 'quiz_id'],
  setting: ['user_id'],
});

/** @typedef {keyof typeof KEYS} TableName */

export const TABLE_NAMES = /** @type {TableName[]} */ (Object.keys(KEYS));

export const tables = {
  team: /** @type {typeof table<Team>} */ (table)({ key: KEYS.team }),
  team_member: /** @type {typeof table<Member>} */ (table)({ key: KEYS.team_member }),
  note: /** @type {typeof table<Note>} */ (table)({ key: KEYS.note, indexes: ['team_id'] }),
  team_task: /** @type {typeof table<Task>} */ (table)({ key: KEYS.team_task }),
  quiz_answer: /** @type {typeof table<Answer>} */ (table)({ key: KEYS.quiz_answer }),
  setting: /** @type {typeof table<Setting>} */ (table)({ key: KEYS.setting }),
};

/**
 * Identifies a row over all tables: `note/6f…`.
 *
 * @param {string} name
 * @param {object} row a row, or its key
 */
export function rowId(name, row) {
  const columns = KEYS[/** @type {TableName} */ (name)];
  const values = /** @type {Record<string, unknown>} */ (row);
  return [name, ...columns.map((column) => String(values[column]))].join('/');
}
