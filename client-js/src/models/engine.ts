/** The models of the database, as WASM: the same scores from the same code. */

import type { JsonRow } from '../types.ts';
import { type AbiExports, compile, WasmModule, type WasmSource } from '../wasm/module.ts';
import type { FeatureVector, Hits, Prediction, Wish } from './runtime.ts';

interface Exports extends AbiExports {
  model_decode(at: number, length: number): number;
  model_sha256(at: number, length: number): number;
  model_input(handle: number): number;
  model_score(handle: number): number;
}

interface Decoded {
  readonly handle: number;
  readonly columns: number;
  readonly description: JsonRow;
}

/** Calls into the module. Errors as of `pg-offline-sync/wasm`: `core_refused` with a SQLSTATE, and `core_failed`. */
export class ModelEngine {
  readonly #module: WasmModule<Exports>;

  constructor(module: WebAssembly.Module) {
    this.#module = new WasmModule(module);
  }

  /** Decodes an artefact, whatever it is, and keeps it until it is disposed of. */
  decode(bytes: Uint8Array): EngineModel {
    return new EngineModel(this.#module, bytes);
  }

  /** SHA-256 in hexadecimal digits; WebCrypto has it for secure pages only. */
  sha256(bytes: Uint8Array): string {
    return this.#module.send('sha256', bytes, ({ model_sha256 }, at, length) => model_sha256(at, length));
  }

  /** The sentences that say most of a text, in their order. */
  summarize(text: string, sentences: number): Sentence[] {
    return this.#module.call('summarize', { text, sentences });
  }
}

export interface Sentence {
  /** Its position in the text, from 0. */
  readonly index: number;
  readonly text: string;
  /** How much of the whole text it says. */
  readonly score: number;
}

/** A decoded model. It survives the instance that it was decoded in. */
export class EngineModel {
  readonly #module: WasmModule<Exports>;
  readonly #bytes: Uint8Array;
  #decoded: Decoded;
  #generation: number;
  #input: Float32Array = new Float32Array();
  readonly #score = ({ model_score }: Exports) => model_score(this.#decoded.handle);

  constructor(module: WasmModule<Exports>, bytes: Uint8Array) {
    this.#module = module;
    this.#bytes = bytes;
    this.#decoded = this.#decode();
    this.#generation = module.generation;
  }

  /** Algorithm, task, labels and features, as the artefact says. */
  get description(): JsonRow {
    return this.#decoded.description;
  }

  score(features: FeatureVector): number {
    const handle = this.#handle();
    const { columns } = this.#decoded;
    // What does not fit is refused in the words of the database.
    if (columns === 0 || features.length !== columns)
      return this.call('score', { features: JSON.stringify([...features]) });
    // Memory that has grown is another buffer, and the old one has no length any more.
    if (this.#input.length === 0) {
      const { memory, model_input } = this.#module.exports;
      this.#input = new Float32Array(memory.buffer, model_input(handle) >>> 0, columns);
    }
    if (features instanceof Float32Array) this.#input.set(features);
    else for (let i = 0; i < columns; i += 1) this.#input[i] = features[i] ?? Number.NaN;
    return this.#module.guard('score', this.#score);
  }

  predict(features: JsonRow): Prediction {
    return this.call('predict', { features: JSON.stringify(features) });
  }

  predictMany(rows: readonly JsonRow[]): Prediction[] {
    return this.call('predict_many', { rows: JSON.stringify(rows) });
  }

  recommend(wish: Wish): Hits {
    return this.call(
      'recommend',
      Object.fromEntries(Object.entries(wish).map(([name, value]) => [name, JSON.stringify(value)])),
    );
  }

  similar(item: string, count: number): Hits {
    return this.call('similar', { item: JSON.stringify(item), count: String(count) });
  }

  /**
   * Any function of the module that asks a model, with arguments as JSON texts by name: a row that is text already is
   * read as the database reads it, and no number is rounded on the way.
   */
  call<Out>(name: string, texts: { readonly [argument: string]: string }): Out {
    const members = Object.entries(texts).map(([argument, text]) => `,${JSON.stringify(argument)}:${text}`);
    return this.#module.callText(name, `{"handle":${this.#handle()}${members.join('')}}`);
  }

  dispose(): void {
    if (this.#generation === this.#module.generation) this.#module.call('release', this.#decoded.handle);
  }

  /** The handle in the present instance. */
  #handle(): number {
    if (this.#generation !== this.#module.generation) {
      this.#decoded = this.#decode();
      this.#generation = this.#module.generation;
      this.#input = new Float32Array();
    }
    return this.#decoded.handle;
  }

  #decode(): Decoded {
    return this.#module.send('decode', this.#bytes, ({ model_decode }, at, length) =>
      model_decode(at, length),
    );
  }
}

/**
 * Loads the module. By default from `model.wasm` beside this file, which bundlers copy along; in a classic service
 * worker or under another address, say where it is. A page with a content security policy needs `'wasm-unsafe-eval'`.
 */
export async function loadModelEngine(
  source: WasmSource = new URL('./model.wasm', import.meta.url),
): Promise<ModelEngine> {
  return new ModelEngine(await compile(source));
}
