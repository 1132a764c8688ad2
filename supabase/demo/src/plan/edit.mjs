// What somebody does to one row on a device.

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../tables.mjs').TableName} TableName
 *
 * @typedef {object} Edit
 * @property {Kind} kind what it is to the person
 * @property {'insert' | 'update' | 'upsert' | 'delete'} op
 * @property {TableName} table
 * @property {JsonRow} key
 * @property {JsonRow} patch columns and their new values
 * @property {Record<string, number>} [add] columns that are counted up, and by how much
 *
 * @typedef {'titles' | 'texts' | 'likes' | 'states' | 'grades' | 'new notes' | 'new tasks' | 'tasks'
 *   | 'answers' | 'settings' | 'deletions'} Kind
 *
 * @typedef {Edit[]} Step edits made at once; more than one are an atomic batch
 */

/**
 * @param {Kind} kind
 * @param {string} id
 * @param {JsonRow} patch
 * @param {Record<string, number>} [add]
 * @returns {Edit}
 */
export const changeNote = (kind, id, patch, add) => ({
  kind,
  op: 'update',
  table: 'note',
  key: { id },
  patch,
  ...(add && { add }),
});

/**
 * @param {string} id
 * @returns {Edit}
 */
export const deleteNote = (id) => ({
  kind: 'deletions',
  op: 'delete',
  table: 'note',
  key: { id },
  patch: {},
});

/**
 * @param {string} id
 * @param {JsonRow} values
 * @returns {Edit}
 */
export const newNote = (id, values) => ({
  kind: 'new notes',
  op: 'insert',
  table: 'note',
  key: { id },
  patch: values,
});

/**
 * @param {string} id
 * @param {JsonRow} values
 * @returns {Edit}
 */
export const newTask = (id, values) => ({
  kind: 'new tasks',
  op: 'insert',
  table: 'team_task',
  key: { id },
  patch: values,
});
