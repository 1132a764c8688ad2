// The ledger as plain data, for the checks.

/**
 * @typedef {import('../tables.mjs').JsonRow} JsonRow
 * @typedef {import('../plan/edit.mjs').Edit} Edit
 *
 * @typedef {object} Fact one edit that a device acknowledged to its person
 * @property {string} device its name
 * @property {string} deviceId its identity on the server
 * @property {number} seq
 * @property {Edit} edit
 * @property {JsonRow} sent columns and values as they left the device last; none when it never did
 * @property {bigint | null} hlc its clock value; null when it never left the device
 * @property {'applied' | 'merged' | 'conflict' | 'rejected' | 'unchanged' | 'discarded' | null} verdict
 *   what the device heard from the server; null: nothing
 * @property {boolean} isInBase it was on the server before the network was cut
 *
 * @typedef {object} Finding something that is off
 * @property {string} what one line, for a person
 */

/**
 * @param {import('../ledger.mjs').Ledger} ledger
 * @returns {Fact[]}
 */
export function factsOf({ entries, inBase }) {
  return entries.map(({ device, edit, handle, verdict }, i) => {
    const seq = handle.seq ?? 0;
    const wire = device.wire.get(seq);
    return {
      device: device.name,
      deviceId: device.id,
      seq,
      edit,
      sent: wire?.patch ?? {},
      hlc: wire === undefined ? null : BigInt(wire.hlc),
      verdict: verdict?.status ?? null,
      isInBase: i < inBase,
    };
  });
}

/** @param {Fact} fact */
export const nameOf = ({ device, seq, edit }) => `${device} #${seq} (${edit.op} ${edit.table})`;

/** @param {Fact} fact whether the server took the edit, wholly or in part */
export const isAccepted = ({ verdict }) =>
  verdict === 'applied' || verdict === 'merged' || verdict === 'conflict';
