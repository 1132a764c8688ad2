// Every edit that a device took, and what the server said to it. This is what the verification
// holds against the database.

/**
 * @typedef {import('./plan/edit.mjs').Edit} Edit
 * @typedef {import('../../../client-js/dist/index.js').WriteHandle} WriteHandle
 * @typedef {import('../../../client-js/dist/index.js').Verdict} Verdict
 * @typedef {import('./devices/device.mjs').Device} Device
 *
 * @typedef {object} Entry an edit that the device acknowledged to its person
 * @property {Device} device
 * @property {Edit} edit
 * @property {WriteHandle} handle
 * @property {Verdict | null} verdict null until the device has heard one
 */

export class Ledger {
  /** @type {Entry[]} */
  entries = [];
  /** How many of them were on the server before the network was cut. */
  inBase = 0;

  /**
   * @param {Device} device
   * @param {Edit} edit
   * @param {WriteHandle} handle
   */
  acknowledge(device, edit, handle) {
    if (handle.seq === undefined) throw new Error(`${device.name}: an edit changed nothing`);
    /** @type {Entry} */
    const entry = { device, edit, handle, verdict: null };
    this.entries.push(entry);
    handle.synced.then(
      (verdict) => {
        entry.verdict = verdict;
      },
      // The device was closed: then it has no verdict, and the verification says so.
      () => undefined,
    );
  }

  /**
   * Entries of one device whose last verdict was a rejection.
   *
   * @param {Device} device
   */
  rejectedOn(device) {
    return this.entries.filter(
      (entry) => entry.device === device && entry.verdict?.status === 'rejected',
    );
  }
}
