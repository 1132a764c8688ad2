import type { ModelEngine } from '../../src/models/index.ts';
import type { VectorFile } from './vector-files.mjs';

export function answers(engine: ModelEngine, file: VectorFile): unknown[];
