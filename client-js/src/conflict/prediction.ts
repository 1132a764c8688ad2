/** Which waiting edits others contest, before they are sent; decided by the core of `pg-offline-sync/wasm`. */

import type { Mirror } from '../store/mirror.ts';
import type { ColumnOutcome, Json, JsonRow } from '../types.ts';

/** How a contested column will go. */
export interface PredictedColumn {
  /** What this device saw, wrote, and will meet. */
  readonly base: Json;
  readonly mine: Json;
  readonly theirs: Json;
  readonly policy: string;
  /** `unknown`: it depends on when the others wrote, which only the server knows. */
  readonly outcome: ColumnOutcome | 'unknown';
  /** The value afterwards; absent where the outcome is unknown. */
  readonly result?: Json;
}

export interface PredictedConflict {
  readonly table: string;
  readonly key: JsonRow;
  readonly columns: { readonly [column: string]: PredictedColumn };
}

/** What a device knows: its server rows and its outbox. */
export type Known = Pick<Mirror, 'device' | 'head' | 'outbox' | 'serverRow' | 'sync'>;

/** Decides as the server would; `wasmCore()` of `pg-offline-sync/wasm` is one. */
export interface ConflictPredictor {
  /** The contested edits of what waits. `nowMs`: the device's own time. */
  predict(known: Known, nowMs: number): Promise<PredictedConflict[]>;
}
