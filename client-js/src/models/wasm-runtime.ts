/** The built-in runtime: artefacts of the database's own format, by the code that scores them there. */

import { sameJson } from '../values.ts';
import type { ModelEngine } from './engine.ts';
import { modelError } from './errors.ts';
import { FORMAT, type ModelArtifact, type ModelRuntime, type RunnableModel } from './runtime.ts';

/** What a document may say of its artefact, and then has to say truly. */
const DESCRIBED = ['algorithm', 'task', 'labels'] as const;

export function wasmRuntime(engine: () => Promise<ModelEngine>): ModelRuntime {
  return {
    formats: [FORMAT],
    async load({ bytes, meta }: ModelArtifact): Promise<RunnableModel> {
      const model = (await engine()).decode(bytes);
      const isOther = DESCRIBED.some(
        (name) => meta[name] !== undefined && !sameJson(meta[name] ?? null, model.description[name] ?? null),
      );
      if (isOther) {
        model.dispose();
        throw modelError('model_damaged', 'it describes another model than its artefact');
      }
      return {
        predict: async (features) => model.predict(features),
        predictMany: async (rows) => model.predictMany(rows),
        score: (features) => model.score(features),
        recommend: (wish) => model.recommend(wish),
        similar: (item, count) => model.similar(item, count),
        dispose: () => model.dispose(),
      };
    },
  };
}
