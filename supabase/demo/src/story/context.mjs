// What the chapters share.

/**
 * @typedef {import('../devices/device.mjs').Device} Device
 * @typedef {import('../devices/people.mjs').Person} Person
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 *
 * @typedef {object} Setting given before the story begins
 * @property {import('../stack.mjs').Stack} stack
 * @property {import('../stack.mjs').Sql} sql the administrator's connection
 * @property {import('../report/narrator.mjs').Narrator} narrator
 * @property {import('../timeline.mjs').Timeline} timeline
 * @property {import('../ledger.mjs').Ledger} ledger
 * @property {number} edits made offline, on all devices together
 * @property {number} seed
 *
 * @typedef {object} Cast made by the first chapter
 * @property {{ ada: Person, ben: Person }} people
 * @property {{ laptop: Device, phone: Device, tablet: Device }} devices
 * @property {import('../plan/world.mjs').World} world
 *
 * @typedef {Setting & Cast} Story
 */

/** @param {Cast} cast */
export const allDevices = ({ devices }) => [devices.laptop, devices.phone, devices.tablet];

/** Ids by which the story's rows are told from others in the database. @param {Cast} cast */
export const storyIds = ({ world, people }) => [
  world.teams.trip,
  world.teams.archive,
  people.ada.id,
  people.ben.id,
];
