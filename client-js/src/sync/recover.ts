/** When device and server count this device's mutations differently. */

import { readRegisterAnswer } from '../net/answers.ts';
import { SyncFailure } from '../net/classify.ts';
import { renumber, setAside } from '../outbox/relations.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Mutation, MutationState } from '../types.ts';
import { observeServer, type SyncContext } from './context.ts';

/** Makes the device known to the server. Returns the highest number that the server has acknowledged. */
export async function registerDevice({ store, rpc, models }: SyncContext): Promise<number> {
  const answered = await rpc.call('register_device', {
    p_device: store.mirror.device.deviceId,
    p_info: models?.deviceInfo ?? {},
  });
  const answer = readRegisterAnswer(answered.data);
  await store.write('relaxed', (draft) => observeServer(draft, answered, answer));
  return answer.ackedSeq;
}

/**
 * Is this store older than what was sent from it? Then the server has acknowledged numbers that were not given out
 * yet, or whose mutations were never sent from here.
 */
export function isRolledBack(mirror: Mirror, ackedSeq: number): boolean {
  if (mirror.head.nextSeq <= ackedSeq) return true;
  return inStates(mirror, ['queued']).some(({ seq }) => seq <= ackedSeq);
}

/** Goes on as a new device, whose numbering begins with what waits here. */
export async function adoptNewIdentity(context: SyncContext): Promise<void> {
  const { store, handles, newDeviceId } = context;
  const newSeqs = await store.write('strict', (draft) => {
    const { mirror } = store;
    for (const mutation of inStates(mirror, ['confirmed'])) draft.deleteMutation(mutation);
    setAside(mirror.rejected, draft);
    draft.setDevice(newDeviceId());
    draft.setSync({ ackedSeq: 0 });
    return renumber(inStates(mirror, ['queued', 'sent', 'deferred']), 1, draft);
  });
  handles.renumber(newSeqs);
}

/**
 * The server expects another number than the first one sent. If it expects a smaller one, it has lost
 * acknowledgements (it was restored), so it has none of what waits here, and that can be numbered from there. A
 * larger one cannot be explained by anything but a broken server: repeated numbers are duplicates, not gaps.
 */
export async function recoverFromGap(failure: SyncFailure, { store, handles }: SyncContext): Promise<void> {
  const expected = Number(failure.error.server?.detail);
  const first = Math.min(...inStates(store.mirror, ['queued', 'sent']).map(({ seq }) => seq));
  if (!Number.isSafeInteger(expected) || expected < 1 || expected >= first) {
    throw new SyncFailure('retry', 'server', 'bad_answer', `mutation ${expected} expected`);
  }
  const newSeqs = await store.write('strict', (draft) => {
    setAside(store.mirror.rejected, draft);
    draft.setSync({ ackedSeq: expected - 1 });
    return renumber(inStates(store.mirror, ['queued', 'sent']), expected, draft);
  });
  handles.renumber(newSeqs);
}

function inStates(mirror: Mirror, states: readonly MutationState[]): Mutation[] {
  return [...mirror.outbox.values()].filter(({ state }) => states.includes(state));
}
