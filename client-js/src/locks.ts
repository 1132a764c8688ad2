/**
 * Mutual exclusion by name. `navigator.locks` fits as it is and covers all tabs; where it is missing (Node 20, old
 * browsers) locks hold within this process only.
 */
export interface Locks {
  request<T>(name: string, body: () => Promise<T>): Promise<T>;
}

/** Locks within this process, granted in the order of asking. */
export function processLocks(): Locks {
  const tails = new Map<string, Promise<unknown>>();
  return {
    request<T>(name: string, body: () => Promise<T>): Promise<T> {
      const before = tails.get(name) ?? Promise.resolve();
      const result = before.then(body, body);
      const tail = result.then(
        () => undefined,
        () => undefined,
      );
      tails.set(name, tail);
      void tail.then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
      return result;
    },
  };
}

const SHARED_PROCESS_LOCKS = processLocks();

/** The browser's locks, else locks shared by everything in this process. */
export function defaultLocks(): Locks {
  const manager: LockManager | undefined = globalThis.navigator?.locks;
  if (manager === undefined) return SHARED_PROCESS_LOCKS;
  return { request: (name, body) => manager.request(name, body) as ReturnType<typeof body> };
}
