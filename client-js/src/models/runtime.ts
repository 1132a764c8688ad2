/** What runs a model. The built-in one is WASM; apps add ONNX Runtime Web, a language model, or what they like. */

import type { Json, JsonRow } from '../types.ts';

/** The format of the product's own artefacts. */
export const FORMAT = 'offline-sync-model';

/** An artefact whose hash was checked. */
export interface ModelArtifact {
  readonly format: string;
  readonly bytes: Uint8Array;
  /** The document that it came in, without the bytes: what its exporter says of it. */
  readonly meta: JsonRow;
}

/** Numbers in the order of the model's features; null and NaN are missing values. */
export type FeatureVector = Float32Array | readonly (number | null)[];

/** What a model says of one row. */
export interface Prediction {
  /** The class; the number of a regression; the index of a cluster. */
  readonly label: Json;
  /** A number that rows can be ranked by, as SQL's `score` gives it. */
  readonly score: number;
  readonly probabilities: { readonly [label: string]: number } | null;
  readonly components?: readonly number[];
}

/** Who is recommended to, and what. */
export interface Wish {
  /** The user's own vector; null: the mean of `items` stands in for it. */
  readonly user: readonly number[] | null;
  readonly items: readonly string[];
  readonly exclude: readonly string[];
  readonly count: number;
}

export interface Hits {
  /** What the items were chosen by. */
  readonly from: 'user' | 'items' | 'nothing';
  /** Best first; of equals in the order of their ids. */
  readonly items: readonly { readonly id: string; readonly score: number }[];
}

/** A model that is ready. What it does not offer is refused as `model_unsupported`. */
export interface RunnableModel {
  predict(features: JsonRow): Promise<Prediction>;
  /** Default: one row after the other. */
  predictMany?(rows: readonly JsonRow[]): Promise<readonly Prediction[]>;
  score?(features: FeatureVector): number | Promise<number>;
  recommend?(wish: Wish): Hits | Promise<Hits>;
  similar?(item: string, count: number): Hits | Promise<Hits>;
  /** Gives back what it holds. Not called while a call is under way; nothing is called afterwards. */
  dispose(): void;
}

export interface ModelRuntime {
  /** The formats of artefacts that it takes. */
  readonly formats: readonly string[];
  /** Rejects when the artefact is none that it can run: then the version before it goes on serving. */
  load(artifact: ModelArtifact): Promise<RunnableModel>;
}
