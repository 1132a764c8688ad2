// When devices have told each other everything.

/** Rounds after which devices that keep finding something new will not come to an end. */
const ROUNDS_MAX = 20;

/**
 * Lets the devices sync, all at the same time, until a round in which nobody sent anything and
 * nobody received anything.
 *
 * @param {import('./device.mjs').Device[]} devices all online
 * @returns {Promise<number>} rounds that it took
 */
export async function untilQuiet(devices) {
  // First by themselves: retries and wake-ups are the client's own business.
  await Promise.all(
    devices.map((device) =>
      device.until('nothing is pending', ({ pending, phase }) => pending === 0 && phase === 'idle'),
    ),
  );
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const before = devices.map(({ traffic }) => traffic.sent + traffic.received);
    const outcomes = await Promise.all(devices.map(({ db }) => db.sync()));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status !== 'synced') throw new Error(`${devices[i].name}: ${outcome.error}`);
    }
    const isQuiet = devices.every(
      ({ traffic }, i) => traffic.sent + traffic.received === before[i],
    );
    if (isQuiet) return round;
  }
  throw new Error(`the devices are not quiet after ${ROUNDS_MAX} rounds`);
}
