// The table at the end.

import { number } from './narrator.mjs';

/**
 * @typedef {object} Numbers what came out
 * @property {number} sent mutations that devices acknowledged to their people
 * @property {number} applied
 * @property {number} merged
 * @property {number} conflicts
 * @property {number} rejected
 * @property {number} lost
 * @property {number} duplicated
 * @property {number} evicted rows
 * @property {number} converged devices
 * @property {number} devices
 * @property {number} seconds from the first device coming back until all had everything
 * @property {number} rowsPerSecond mutations in that time
 */

/**
 * @param {Numbers} numbers
 * @param {Record<string, string>} [notes] remarks by row
 * @returns {string[]} lines
 */
export function renderTable(numbers, notes = {}) {
  /** @type {[string, string][]} */
  const rows = [
    ['mutations sent', number(numbers.sent)],
    ['applied', number(numbers.applied)],
    ['merged', number(numbers.merged)],
    ['conflicts', number(numbers.conflicts)],
    ['rejected', number(numbers.rejected)],
    ['lost', number(numbers.lost)],
    ['duplicated', number(numbers.duplicated)],
    ['rows evicted', number(numbers.evicted)],
    ['devices converged', `${numbers.converged}/${numbers.devices}`],
    ['seconds', numbers.seconds.toFixed(1)],
    ['rows a second', number(numbers.rowsPerSecond)],
  ];
  return rows.map(([name, value]) => {
    const note = notes[name];
    return `${name.padEnd(18)}${value.padStart(8)}${note ? `   ${note}` : ''}`;
  });
}
