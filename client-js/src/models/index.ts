/**
 * Models of the database on the device: pulled, verified, scored offline. The WASM that scores is loaded when it is
 * first needed.
 *
 * @packageDocumentation
 */

export type { WasmSource } from '../wasm/module.ts';
export { type EngineModel, loadModelEngine, ModelEngine, type Sentence } from './engine.ts';
export {
  type Answered,
  createModels,
  type ModelInfo,
  type Models,
  type ModelsOptions,
  type Recommend,
} from './models.ts';
export {
  type FeatureVector,
  FORMAT,
  type Hits,
  type ModelArtifact,
  type ModelRuntime,
  type Prediction,
  type RunnableModel,
  type Wish,
} from './runtime.ts';
