// Rows of evidence, as `make evidence` takes them: a JSON list on standard output.

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} what what was measured, against what
 * @property {number} value
 * @property {string} unit
 * @property {string | null} bar what the value must reach; null where it is only reported
 * @property {boolean} ok whether it does
 * @property {string} command the command that makes this row
 * @property {string} size sizes of the run
 * @property {number | null} spread interquartile range relative to the median; null for counts
 */

/**
 * @param {Row[]} rows
 * @param {boolean} asJson
 */
export function printRows(rows, asJson) {
  const rounded = rows.map((row) => ({
    ...row,
    value: round(row.value),
    spread: row.spread === null ? null : round(row.spread),
  }));
  if (asJson) console.log(JSON.stringify(rounded));
  else {
    for (const { name, what, value, unit, bar, ok } of rounded) {
      console.log(
        `${ok ? 'ok ' : 'BAD'} ${name}: ${value} ${unit}${bar ? ` (${bar})` : ''}: ${what}`,
      );
    }
  }
  process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
}

/** Three decimals. @param {number} value */
const round = (value) => Math.round(value * 1_000) / 1_000;

/**
 * @param {number[]} values at least one
 * @returns {{ median: number, spread: number }}
 */
export function figure(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  return { median, spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / median };
}

/** Between neighbours where it falls between them. @param {number[]} sorted @param {number} share */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place % 1);
}

/**
 * Whole, positive numbers from the command line.
 *
 * @param {Record<string, string | boolean | undefined>} values as `parseArgs` gives them
 * @param {string[]} names
 * @returns {number[]}
 */
export function wholeNumbers(values, names) {
  return names.map((name) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0) return value;
    console.error(`--${name} is a whole, positive number`);
    return process.exit(2);
  });
}
