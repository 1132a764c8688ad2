/** Conflicts that wait for a person: listed on this device, decided on the server. */

import { readConflicts } from '../net/answers.ts';
import { SyncFailure } from '../net/classify.ts';
import type { Rpc } from '../net/rpc.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { Conflict, JsonRow } from '../types.ts';
import { sameJson, toJsonRow } from '../values.ts';

/** Which side a conflict is decided for, or the merged values of the contested columns. */
export type Resolution = 'mine' | 'theirs' | object;

export class ConflictList {
  readonly #store: LocalStore;
  readonly #rpc: Rpc;

  constructor(store: LocalStore, rpc: Rpc) {
    this.#store = store;
    this.#rpc = rpc;
  }

  list(): Conflict[] {
    return [...this.#store.mirror.conflicts.values()];
  }

  /**
   * Decides a conflict on the server. The row's new state comes with the next pull. Rejects with `OfflineError`;
   * needs the network.
   */
  async resolve(id: string, resolution: Resolution): Promise<void> {
    const merged: JsonRow | null = typeof resolution === 'string' ? null : toJsonRow(resolution, {});
    try {
      await this.#rpc.call('resolve_conflict', {
        p_conflict: id,
        p_resolution: typeof resolution === 'string' ? resolution : 'merged',
        p_merged: merged,
      });
    } catch (failure) {
      if (!(failure instanceof SyncFailure)) throw failure;
      // Settled elsewhere meanwhile: it must not stay in the list, and the caller must hear of it.
      if (failure.error.code === 'not_found') await this.#forget(id);
      throw failure.error;
    }
    await this.#forget(id);
  }

  /** Fetches the list when the server counts other conflicts than this device, or when one came without its sides. */
  async refreshIfDifferent(waitingOnServer: number): Promise<void> {
    const known = this.list();
    const isComplete = known.every(({ createdAt }) => createdAt !== null);
    if (known.length === waitingOnServer && isComplete) return;
    const listed = new Map((await this.#fetch()).map((conflict) => [conflict.id, conflict]));
    await this.#store.write('relaxed', (draft) => {
      for (const { id } of this.list()) if (!listed.has(id)) draft.deleteConflict(id);
      for (const conflict of listed.values()) {
        if (!isSame(conflict, this.#store.mirror.conflicts.get(conflict.id))) draft.putConflict(conflict);
      }
    });
  }

  #forget(id: string): Promise<void> {
    return this.#store.write('relaxed', (draft) => draft.deleteConflict(id));
  }

  async #fetch(): Promise<Conflict[]> {
    const all: Conflict[] = [];
    for (;;) {
      const last = all.at(-1);
      const after = last === undefined ? {} : { after: { created_at: last.createdAt, id: last.id } };
      const answered = await this.#rpc.call('conflicts', { p_request: { limit: PAGE_SIZE, ...after } });
      const { conflicts, hasMore } = readConflicts(answered.data);
      all.push(...conflicts);
      if (!hasMore || conflicts.length === 0) return all;
    }
  }
}

const PAGE_SIZE = 1_000;

function isSame(left: Conflict, right: Conflict | undefined): boolean {
  return right !== undefined && sameJson({ ...left }, { ...right });
}
