/** The core that the database runs, as WASM: the same decisions from the same code. */

import { compile, WasmModule, type WasmSource } from './module.ts';

export type CoreSource = WasmSource;

/** A mutation as `decide` reads it. Rows are JSON text, so that no number is rounded on the way. */
export interface RunMutation {
  readonly seq: string;
  readonly key: string;
  readonly base?: string | null;
  readonly hlc?: string | null;
  readonly row: string;
  readonly before?: string | null;
}

export interface Run {
  readonly op: 'insert' | 'update' | 'upsert' | 'delete';
  /** JSON text. */
  readonly policy: string;
  readonly device: string;
  readonly now_hlc: string;
  readonly bound_ms: number;
  readonly key_columns: readonly string[];
  readonly mutations: readonly RunMutation[];
  /** JSON texts of `{"k": row key, "r": row}`. */
  readonly current?: readonly string[];
  /** JSON texts of row states. */
  readonly states?: readonly string[];
  /** JSON texts of what functions of the owner said. */
  readonly answers?: readonly string[];
}

export interface Decision {
  readonly action: 'update' | 'insert' | 'delete' | 'resurrect' | 'nothing' | 'reject';
  readonly code?: string;
  readonly message?: string;
  readonly status: 'applied' | 'merged' | 'conflict';
  readonly version?: string;
  readonly hlc: string;
  /** JSON text: key columns, then final values. */
  readonly row: string;
  readonly columns?: { readonly [column: string]: 'mine' | 'theirs' | 'merged' | 'manual' };
  /** JSON text: the entries of the conflict log. */
  readonly contested?: string;
  /** JSON text: functions of the owner, which only the database can ask. Their columns are `manual` meanwhile. */
  readonly calls?: string;
  readonly restamp?: readonly string[];
  readonly return_row: boolean;
}

export interface KeyColumn {
  readonly name: string;
  readonly kind: 'uuid' | 'int' | 'text' | 'other';
}

export interface RowDiff {
  readonly old: string;
  readonly new: string;
  readonly columns: readonly string[];
}

/**
 * Calls into the core. A refused argument is an `OfflineError` `core_refused` with the server's SQLSTATE. A call that
 * the core cannot survive (out of memory, a fault of its own) is `core_failed`, and the next call gets a new instance.
 */
export class Core {
  readonly #module: WasmModule;

  constructor(module: WebAssembly.Module) {
    this.#module = new WasmModule(module);
  }

  decide(run: Run): Decision[] {
    return this.call('decide', run);
  }

  tick(state: string, nowMs: number): string {
    return this.call('tick', { state, now_ms: nowMs });
  }

  observe(state: string, remote: string, nowMs: number): string {
    return this.call('observe', { state, remote, now_ms: nowMs });
  }

  clamp(claimed: string, nowMs: number, boundMs: number): { readonly hlc: string; readonly skewed: boolean } {
    return this.call('clamp', { claimed, now_ms: nowMs, bound_ms: boundMs });
  }

  /** The changed columns of two rows given as JSON texts; null where nothing differs. */
  diff(before: string, after: string): RowDiff | null {
    return this.call('diff', { old: before, new: after });
  }

  /** Both sides' changes of a text; `overlap`: they changed the same words, and both are kept. */
  mergeText(
    base: string,
    mine: string,
    theirs: string,
  ): { readonly text: string; readonly overlap: boolean } {
    return this.call('merge_text', { base, mine, theirs });
  }

  /** The canonical text of a row key given as JSON text; null where it is none. */
  canonicalKey(columns: readonly KeyColumn[], key: string): string | null {
    return this.call('canonical_key', { columns, key });
  }

  /** A JSON text as Postgres spells it; null where that is not known. */
  canonicalValue(form: string, value: string): string | null {
    return this.call('canonical_value', { form, value });
  }

  /** Any function of the core by name, with arguments as in `testdata/vectors/README.md`. */
  call<Out>(name: string, input: unknown): Out {
    return this.#module.call(name, input);
  }
}

/**
 * Loads the core. By default from `core.wasm` beside this file, which bundlers copy along; in a classic service worker
 * or under another address, say where it is. A page with a content security policy needs `'wasm-unsafe-eval'`.
 */
export async function loadCore(source: CoreSource = new URL('./core.wasm', import.meta.url)): Promise<Core> {
  return new Core(await compile(source));
}
