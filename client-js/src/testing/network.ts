/** A network monitor whose events a test gives. */

import type { NetworkEvent, NetworkMonitor } from '../net/network.ts';

export interface FakeNetwork extends NetworkMonitor {
  /** Tells listeners; `offline` and `online` also change what `isOffline` says. */
  emit(event: NetworkEvent): void;
}

export function fakeNetwork(): FakeNetwork {
  const listeners = new Set<(event: NetworkEvent) => void>();
  let offline = false;
  return {
    isOffline: () => offline,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(event) {
      if (event !== 'focus') offline = event === 'offline';
      for (const listener of [...listeners]) listener(event);
    },
  };
}
