/**
 * The core of the database in the browser, about 100 kB compressed, loaded when it is first needed.
 *
 * @packageDocumentation
 */

export {
  Core,
  type CoreSource,
  type Decision,
  type KeyColumn,
  loadCore,
  type RowDiff,
  type Run,
  type RunMutation,
} from './core.ts';
export { wasmCore } from './predict.ts';
