/** Models on the device: kept up to date by pulls, asked without the network. */

import { OfflineError } from '../errors.ts';
import type { JsonRow } from '../types.ts';
import { Desk } from './desk.ts';
import { loadModelEngine, type ModelEngine } from './engine.ts';
import { modelError } from './errors.ts';
import { takeIn } from './intake.ts';
import type { ModelSource, ModelSpace } from './port.ts';
import type {
  FeatureVector,
  Hits,
  ModelArtifact,
  ModelRuntime,
  Prediction,
  RunnableModel,
} from './runtime.ts';
import { wasmRuntime } from './wasm-runtime.ts';

export interface ModelsOptions {
  /** Runtimes for other formats, or in the place of the built-in one. The first that takes a format runs it. */
  readonly runtimes?: readonly ModelRuntime[];
  /** What the device can beyond what is found out by itself. */
  readonly capabilities?: JsonRow;
  /** Told of versions that could not be taken in. The version before goes on serving. */
  readonly onError?: (error: OfflineError, model: string, version: number | null) => void;
  /** Default: `loadModelEngine()`, when it is first needed. */
  readonly engine?: () => Promise<ModelEngine>;
}

/** A model that this device holds. */
export interface ModelInfo {
  readonly model: string;
  readonly version: number;
  readonly format: string;
  readonly sha256: string;
  /** Size of the artefact. */
  readonly bytes: number;
  /** What its document says: algorithm, task, labels, features, metrics. */
  readonly meta: JsonRow;
  /** Why a newer version is not in its place. */
  readonly error: OfflineError | null;
}

/** Which version of which model has answered. */
export interface Answered {
  readonly model: string;
  readonly version: number;
}

export interface Recommend {
  /** Default `recommendation`. */
  readonly model?: string;
  /** Items that the user touched lately: left out, and in the place of a user whom the training did not know. */
  readonly items?: readonly string[];
  /** A vector of the user. Default: the one that was pulled. */
  readonly user?: readonly number[];
  readonly exclude?: readonly string[];
  /** 1 to 1,000. Default 10. */
  readonly count?: number;
}

const RECOMMENDATION = 'recommendation';
const COUNT = 10;
const SENTENCES = 3;
const SENTENCES_MAX = 20;

/** Makes the models of a client: `createOfflineClient({ …, models: createModels() })`. */
export function createModels(options: ModelsOptions = {}): Models {
  return new Models(options);
}

/**
 * Answers are those of the functions of the same names in SQL, to the bit. Every call rejects with `OfflineError`:
 * `model_missing` before the first pull, `core_refused` with a SQLSTATE for what the model cannot answer.
 */
export class Models implements ModelSource {
  readonly deviceInfo: JsonRow;
  readonly #runtimes: readonly ModelRuntime[];
  readonly #onError: NonNullable<ModelsOptions['onError']>;
  readonly #loadEngine: () => Promise<ModelEngine>;
  readonly #listeners = new Set<() => void>();
  #engine: Promise<ModelEngine> | null = null;
  #space: (() => Promise<ModelSpace>) | null = null;
  #desk: Desk | null = null;
  #intake: Promise<void> = Promise.resolve();

  constructor({ runtimes = [], capabilities = {}, onError, engine }: ModelsOptions) {
    this.#loadEngine = engine ?? (() => loadModelEngine());
    this.#runtimes = [...runtimes, wasmRuntime(() => this.#readyEngine())];
    this.#onError = onError ?? (() => undefined);
    this.deviceInfo = { capabilities: { ...deviceCapabilities(this.#runtimes), ...capabilities } };
  }

  /** A number to rank rows by, from numbers in the order of the model's features. */
  async score(model: string, features: FeatureVector): Promise<number> {
    return this.#ask(model, (loaded) => offered(loaded.score, model, 'score').call(loaded, features));
  }

  /** One row by feature name; what is missing or null is a missing value. */
  async predict(model: string, features: JsonRow): Promise<Prediction & Answered> {
    return this.#ask(model, async (loaded, by) => ({ ...(await loaded.predict(features)), ...by }));
  }

  async predictMany(model: string, rows: readonly JsonRow[]): Promise<(Prediction & Answered)[]> {
    return this.#ask(model, async (loaded, by) => {
      const predictions = loaded.predictMany?.(rows) ?? inTurn(rows, (row) => loaded.predict(row));
      return (await predictions).map((prediction) => ({ ...prediction, ...by }));
    });
  }

  /** The items that suit the user best: by the user's vector, else by the mean of `items`, else none. */
  async recommend(wish: Recommend = {}): Promise<Hits & Answered> {
    const { model = RECOMMENDATION, items = [], exclude = [], count = COUNT } = wish;
    return this.#ask(model, async (loaded, by, pulled) => {
      const user = wish.user ?? pulled;
      const recommend = offered(loaded.recommend, model, 'recommend');
      return { ...by, ...(await recommend.call(loaded, { user, items, exclude, count })) };
    });
  }

  /** The items most like an item; none for an item that the model does not know. */
  async similar(
    item: string,
    count: number = COUNT,
    model: string = RECOMMENDATION,
  ): Promise<Hits & Answered> {
    return this.#ask(model, async (loaded, by) => {
      const similar = offered(loaded.similar, model, 'similar');
      return { ...by, ...(await similar.call(loaded, item, count)) };
    });
  }

  /** The sentences, 1 to 20, that say most of a text, in their order. Needs no model. */
  async summarize(text: string, sentences: number = SENTENCES): Promise<string[]> {
    const count = Math.max(1, Math.min(SENTENCES_MAX, Math.trunc(sentences)));
    return (await this.#readyEngine()).summarize(text, count).map((sentence) => sentence.text);
  }

  async list(): Promise<ModelInfo[]> {
    const desk = await this.#open();
    const records = await desk.records();
    return [...records.values()].map(({ name, version, format, sha256, size, meta }) => ({
      model: name,
      version,
      format,
      sha256,
      bytes: size,
      meta,
      error: desk.refusal(name),
    }));
  }

  /** Calls `listener` after each change of what {@link list} gives. Returns what ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything that pulls have brought so far is taken in, or refused. */
  async settled(): Promise<void> {
    await this.#intake;
  }

  attach(space: () => Promise<ModelSpace>): void {
    this.#space = space;
  }

  held({ store }: ModelSpace): Promise<JsonRow> {
    return this.#deskOf(store).held();
  }

  take(space: ModelSpace, entries: unknown): void {
    const desk = this.#deskOf(space.store);
    const tools = { load: this.#load, report: this.#onError };
    this.#intake = this.#intake.then(() => takeIn(entries, space, desk, tools));
  }

  async #ask<T>(
    name: string,
    work: (model: RunnableModel, by: Answered, user: readonly number[] | null) => T | Promise<T>,
  ): Promise<T> {
    const desk = await this.#open();
    return desk.use(name, (model, { version, user }) =>
      work(model, { model: name, version }, user?.vector ?? null),
    );
  }

  async #open(): Promise<Desk> {
    if (this.#space === null) throw new OfflineError('closed', 'no client has these models');
    return this.#deskOf((await this.#space()).store);
  }

  /** One user's models at a time. */
  #deskOf(store: ModelSpace['store']): Desk {
    if (this.#desk?.store === store) return this.#desk;
    this.#desk?.close();
    this.#desk = new Desk(store, { load: this.#load, onChange: () => this.#emit() });
    return this.#desk;
  }

  readonly #load = async (sha256: string, artifact: ModelArtifact): Promise<RunnableModel> => {
    const runtime = this.#runtimes.find(({ formats }) => formats.includes(artifact.format));
    if (runtime === undefined) throw modelError('model_unsupported', artifact.format);
    const engine = await this.#readyEngine();
    if (engine.sha256(artifact.bytes) !== sha256) throw modelError('model_damaged', 'its SHA-256 differs');
    try {
      return await runtime.load(artifact);
    } catch (cause) {
      if (cause instanceof OfflineError && cause.code !== 'core_refused') throw cause;
      const server = cause instanceof OfflineError ? cause.server : undefined;
      throw modelError('model_unsupported', String(cause), { cause, server });
    }
  };

  async #readyEngine(): Promise<ModelEngine> {
    this.#engine ??= this.#loadEngine();
    try {
      return await this.#engine;
    } catch (cause) {
      // What was not to be had offline may be later.
      this.#engine = null;
      throw cause instanceof OfflineError ? cause : new OfflineError('core_failed', 'load', { cause });
    }
  }

  #emit(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function offered<Method>(method: Method | undefined, model: string, what: string): Method {
  if (method !== undefined) return method;
  throw modelError('model_unsupported', `${what} by ${model}`);
}

async function inTurn<In, Out>(items: readonly In[], each: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (const item of items) results.push(await each(item));
  return results;
}

/** What browsers say of the device, and the formats that have a runtime. */
function deviceCapabilities(runtimes: readonly ModelRuntime[]): JsonRow {
  const { navigator } = globalThis as {
    readonly navigator?: Navigator & { deviceMemory?: number; gpu?: object };
  };
  const memory = navigator?.deviceMemory;
  return {
    ...Object.fromEntries(runtimes.flatMap(({ formats }) => formats.map((format) => [format, true]))),
    webgpu: navigator?.gpu !== undefined,
    ...(memory === undefined ? {} : { memory_mb: memory * 1_024 }),
    ...(navigator?.hardwareConcurrency === undefined ? {} : { cores: navigator.hardwareConcurrency }),
  };
}
