// From time to place. Chapters differ in length by a factor of ten, so each has a width of its own.

/** @typedef {import('../timeline.mjs').Chapter} Chapter */

/** Narrower chapters have no room for their title. */
const WIDTH_MIN = 136;

/**
 * @typedef {object} Column a chapter on the canvas
 * @property {Chapter} chapter
 * @property {number} left
 * @property {number} right
 */

/**
 * Shares a width out: a minimum for each chapter, the rest by the square root of its duration.
 *
 * @param {Chapter[]} chapters
 * @param {number} left
 * @param {number} width
 * @returns {Column[]}
 */
export function columnsOf(chapters, left, width) {
  const weights = chapters.map(({ from, to }) => Math.sqrt(Math.max(to - from, 0)));
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  const spare = Math.max(width - WIDTH_MIN * chapters.length, 0);
  const minimum = Math.min(WIDTH_MIN, width / chapters.length);
  let x = left;
  return chapters.map((chapter, i) => {
    const column = { chapter, left: x, right: x + minimum + (spare * weights[i]) / total };
    x = column.right;
    return column;
  });
}

/**
 * The place of a moment: linear within its chapter.
 *
 * @param {Column[]} columns
 * @returns {(at: number) => number}
 */
export function scaleOf(columns) {
  return (at) => {
    const { chapter, left, right } = columnAt(columns, at);
    const share = (at - chapter.from) / (chapter.to - chapter.from || 1);
    return left + (right - left) * Math.min(Math.max(share, 0), 1);
  };
}

/**
 * The chapter of a moment.
 *
 * @param {Column[]} columns
 * @param {number} at
 * @returns {Column}
 */
export const columnAt = (columns, at) =>
  columns.findLast(({ chapter }) => at >= chapter.from) ?? columns[0];
