/** Errors of models, and what a developer can do about them. */

import { type ModelErrorCode, OfflineError, type ServerError } from '../errors.ts';

const HINTS: { readonly [Code in ModelErrorCode]: string } = {
  model_missing: 'Sync first; the server sends what is deployed, shared, and within what the device can.',
  model_damaged: 'It is fetched again with the next pulls; the version before goes on serving.',
  model_unsupported: 'Add a runtime for its format, or update the app.',
};

export function modelError(
  code: ModelErrorCode,
  about: string,
  context: { readonly cause?: unknown; readonly server?: ServerError | undefined } = {},
): OfflineError {
  return new OfflineError(code, about, { ...context, hint: HINTS[code] });
}
