// Putting labels where they do not cover each other.

/**
 * @typedef {object} Label
 * @property {number} x of what it belongs to
 * @property {string} text
 * @property {number} left the text must not begin before
 * @property {number} right the text must not end behind
 *
 * @typedef {object} Place
 * @property {number} row 0 is nearest to what it belongs to
 * @property {'start' | 'end'} anchor the side of the text that is at `x`
 */

/** Of the font used for labels, on average. */
const CHARACTER_WIDTH = 6;

const GAP = 14;

/**
 * @param {Label[]} labels in the order of x
 * @param {number} rows that there are
 * @returns {Place[]} for each label; when there is no free place left, the last row
 */
export function placeLabels(labels, rows) {
  /** @type {[number, number][][]} */
  const taken = Array.from({ length: rows }, () => []);
  return labels.map(({ x, text, left, right }) => {
    const width = text.length * CHARACTER_WIDTH + GAP;
    /** @type {Place[]} */
    const places = [];
    for (let row = 0; row < rows; row += 1)
      places.push({ row, anchor: 'start' }, { row, anchor: 'end' });
    const found = places.find(({ row, anchor }) => {
      const [from, to] = span(x, width, anchor);
      const isInside = from >= left - GAP / 2 && to <= right + GAP / 2;
      return isInside && taken[row].every(([a, b]) => to <= a || from >= b);
    });
    /** @type {Place} */
    const place = found ?? { row: rows - 1, anchor: x > (left + right) / 2 ? 'end' : 'start' };
    taken[place.row].push(span(x, width, place.anchor));
    return place;
  });
}

/**
 * @param {number} x
 * @param {number} width
 * @param {Place['anchor']} anchor
 * @returns {[number, number]}
 */
const span = (x, width, anchor) =>
  anchor === 'start' ? [x - GAP / 2, x + width] : [x - width, x + GAP / 2];
