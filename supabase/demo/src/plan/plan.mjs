// What each device does while it is offline.

import { scatter } from './dice.mjs';
import { everydayEdit } from './everyday.mjs';
import { turnsOf } from './turns.mjs';

/**
 * @typedef {import('./edit.mjs').Step} Step
 * @typedef {import('./everyday.mjs').Context} Context
 */

/** What part of all edits is made on which device. */
export const SHARES = /** @type {const} */ ({ laptop: 0.45, phone: 0.2, tablet: 0.35 });

/** The turns of the story need so many. */
export const EDITS_MIN = 500;

/**
 * @param {number} edits of all devices together
 * @returns {Record<keyof typeof SHARES, number>}
 */
export function shareOut(edits) {
  const laptop = Math.round(edits * SHARES.laptop);
  const phone = Math.round(edits * SHARES.phone);
  return { laptop, phone, tablet: edits - laptop - phone };
}

/**
 * @param {Omit<Context, 'ownNotes' | 'scores' | 'count'>} options
 * @param {number} edits how many it comes to, exactly
 * @returns {Step[]} in the order in which they are made
 */
export function planSteps(options, edits) {
  let counted = 0;
  const context = { ...options, ownNotes: [], scores: new Map(), count: () => ++counted };
  const turns = turnsOf(context);
  const special = turns.reduce((sum, step) => sum + step.length, 0);
  if (edits < special) throw new Error(`${options.device}: ${edits} edits are too few`);
  const everyday = Array.from({ length: edits - special }, () => [everydayEdit(context)]);
  return scatter(options.random, everyday, turns);
}
