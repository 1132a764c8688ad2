// Comparing rows: with what the edits add up to, and between devices and server.

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../../../../client-js/dist/index.js').Json} Json
 * @typedef {import('./expected.mjs').ExpectedRow} ExpectedRow
 * @typedef {import('./facts.mjs').Finding} Finding
 */

/**
 * The text of a row, which is the same for the same content, byte by byte.
 *
 * @param {JsonRow} row
 * @returns {string}
 */
export const textOf = (row) =>
  JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))));

/**
 * Rows of which two sides do not hold the same bytes, or which only one of them holds.
 *
 * @param {string} left name of the first side
 * @param {Map<string, JsonRow>} leftRows by row id
 * @param {string} right
 * @param {Map<string, JsonRow>} rightRows
 * @returns {Finding[]}
 */
export function findDifferent(left, leftRows, right, rightRows) {
  /** @type {Finding[]} */
  const findings = [];
  for (const id of new Set([...leftRows.keys(), ...rightRows.keys()])) {
    const [a, b] = [leftRows.get(id), rightRows.get(id)];
    if (a === undefined) findings.push({ what: `${id}: not on ${left}, but on ${right}` });
    else if (b === undefined) findings.push({ what: `${id}: on ${left}, but not on ${right}` });
    else if (textOf(a) !== textOf(b)) {
      const columns = Object.keys({ ...a, ...b }).flatMap((column) => {
        const [left, right] = [a, b].map((row) => JSON.stringify(row[column]));
        return left === right ? [] : [`${column} ${left} and ${right}`];
      });
      findings.push({ what: `${id}: ${left} and ${right} have ${columns.join(', ')}` });
    }
  }
  return findings;
}

/**
 * Where the database is not what the edits add up to. Less than that is lost, more is duplicated.
 *
 * @param {Map<string, ExpectedRow>} expected by row id
 * @param {Map<string, JsonRow>} actual
 * @returns {{ lost: Finding[], duplicated: Finding[] }}
 */
export function compareWithExpected(expected, actual) {
  /** @type {Finding[]} */
  const lost = [];
  /** @type {Finding[]} */
  const duplicated = [];
  for (const id of actual.keys()) {
    if (!expected.has(id)) duplicated.push({ what: `${id}: a row that no edit explains` });
  }
  for (const { id, columns, counters } of expected.values()) {
    const row = actual.get(id);
    if (row === undefined) {
      lost.push({ what: `${id}: the row is missing` });
      continue;
    }
    for (const [column, acceptable] of columns) {
      const value = row[column];
      if (acceptable.some((other) => isSame(value, other))) continue;
      const what = `${id}: ${column} is ${JSON.stringify(value)}, not ${JSON.stringify(acceptable)}`;
      const isMore = counters.has(column) && Number(value) > Number(acceptable[0]);
      (isMore ? duplicated : lost).push({ what });
    }
  }
  return { lost, duplicated };
}

/** The same JSON value, or the same instant in another spelling. @param {Json} a @param {Json} b */
function isSame(a, b) {
  if (a === b) return true;
  if (typeof a !== 'string' || typeof b !== 'string')
    return JSON.stringify(a) === JSON.stringify(b);
  const [timeA, timeB] = [a, b].map((text) =>
    /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN,
  );
  return timeA === timeB;
}

/**
 * Rows of a team among others: the team, its members, its notes and tasks.
 *
 * @param {Map<string, JsonRow>} rows
 * @param {string} team
 * @returns {string[]} row ids
 */
export const rowsOfTeam = (rows, team) =>
  [...rows].flatMap(([id, row]) => (row.team_id === team || id === `team/${team}` ? [id] : []));
