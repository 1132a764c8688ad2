import { createOfflineClient } from '/dist/index.js';
import { createModels, loadModelEngine } from '/dist/models.js';
import { loadCore } from '/dist/wasm.js';
import { answers } from '/test/models/vector-answers.mjs';

/** Set when they are there. */
globalThis.core = loadCore();
globalThis.modelEngine = loadModelEngine();
/** What an app imports. */
globalThis.library = { createModels, createOfflineClient };
/** What the engine answers to a file of vectors. */
globalThis.vectorAnswers = answers;
