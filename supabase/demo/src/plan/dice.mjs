// Seeded choices.

/** @typedef {() => number} Random uniform in [0, 1) */

/**
 * @template T
 * @param {Random} random
 * @param {readonly T[]} items at least one
 * @returns {T}
 */
export const pick = (random, items) => items[Math.floor(random() * items.length)];

/**
 * @param {Random} random
 * @param {number} from
 * @param {number} to included
 */
export const integer = (random, from, to) => from + Math.floor(random() * (to - from + 1));

/**
 * @template {{ weight: number }} T
 * @param {Random} random
 * @param {readonly T[]} items
 * @returns {T}
 */
export function pickWeighted(random, items) {
  const total = items.reduce((sum, { weight }) => sum + weight, 0);
  let rest = random() * total;
  for (const item of items) {
    rest -= item.weight;
    if (rest < 0) return item;
  }
  return items[items.length - 1];
}

/**
 * Puts some items among others, each at a place of its own choice; `scattered` keep their order.
 *
 * @template T
 * @param {Random} random
 * @param {readonly T[]} items
 * @param {readonly T[]} scattered
 * @returns {T[]}
 */
export function scatter(random, items, scattered) {
  const places = scattered.map(() => integer(random, 0, items.length)).sort((a, b) => a - b);
  /** @type {T[]} */
  const result = [];
  let next = 0;
  for (let i = 0; i <= items.length; i += 1) {
    while (next < scattered.length && places[next] === i) result.push(scattered[next++]);
    if (i < items.length) result.push(items[i]);
  }
  return result;
}
