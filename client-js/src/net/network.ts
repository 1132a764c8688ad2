/** What the browser says about the network and the page. All of it is a hint, except that "offline" is believed. */

export type NetworkEvent = 'online' | 'offline' | 'focus';

export interface NetworkMonitor {
  /** True only when the platform says so. False means nothing. */
  isOffline(): boolean;
  subscribe(listener: (event: NetworkEvent) => void): () => void;
}

/** Browser events where they exist; elsewhere never offline and no events. */
export function platformNetwork(): NetworkMonitor {
  return {
    isOffline: () => globalThis.navigator?.onLine === false,
    subscribe(listener) {
      if (typeof globalThis.addEventListener !== 'function') return () => undefined;
      const online = () => listener('online');
      const offline = () => listener('offline');
      const visible = () => {
        if (globalThis.document?.visibilityState !== 'hidden') listener('focus');
      };
      globalThis.addEventListener('online', online);
      globalThis.addEventListener('offline', offline);
      globalThis.addEventListener('focus', visible);
      globalThis.document?.addEventListener('visibilitychange', visible);
      return () => {
        globalThis.removeEventListener('online', online);
        globalThis.removeEventListener('offline', offline);
        globalThis.removeEventListener('focus', visible);
        globalThis.document?.removeEventListener('visibilitychange', visible);
      };
    },
  };
}
