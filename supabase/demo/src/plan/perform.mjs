// Makes planned edits on a device, as an app would, and remembers each that the device took.

/**
 * @typedef {import('./edit.mjs').Edit} Edit
 * @typedef {import('./edit.mjs').Step} Step
 * @typedef {import('../ledger.mjs').Ledger} Ledger
 * @typedef {import('../devices/device.mjs').Device} Device
 */

/**
 * @param {Device} device
 * @param {Step[]} steps
 * @param {Ledger} ledger
 */
export async function perform(device, steps, ledger) {
  for (const step of steps) {
    if (step.length === 1) ledger.acknowledge(device, step[0], await makeEdit(device.db, step[0]));
    else {
      const handles = await device.db.batch((tx) => {
        for (const edit of step) makeEdit(tx, edit);
      });
      for (const [i, edit] of step.entries()) ledger.acknowledge(device, edit, handles[i]);
    }
  }
}

/**
 * One edit, by itself or inside a batch: both have the same methods.
 *
 * @param {any} db
 * @param {Edit} edit
 */
function makeEdit(db, { op, table, key, patch, add = {} }) {
  switch (op) {
    case 'insert':
      return db[table].insert({ ...key, ...patch });
    case 'upsert':
      return db[table].upsert({ ...key, ...patch });
    case 'update':
      return db[table].update(key, (/** @type {any} */ row) => ({ ...patch, ...sums(row, add) }));
    case 'delete':
      return db[table].delete(key);
  }
}

/**
 * @param {Record<string, number>} row
 * @param {Record<string, number>} add
 */
const sums = (row, add) =>
  Object.fromEntries(Object.entries(add).map(([column, by]) => [column, row[column] + by]));
