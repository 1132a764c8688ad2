// The HTTP status that PostgREST gives a database error.

/**
 * First match wins; see "Errors from PostgreSQL" in PostgREST's documentation.
 *
 * @type {[pattern: RegExp, status: number][]}
 */
const STATUS_BY_SQLSTATE = [
  [/^08/, 503],
  [/^09/, 500],
  [/^0L/, 403],
  [/^0P/, 403],
  [/^23503$/, 409],
  [/^23505$/, 409],
  [/^25006$/, 405],
  [/^25/, 500],
  [/^28/, 403],
  [/^2D/, 500],
  [/^38/, 500],
  [/^39/, 500],
  [/^3B/, 500],
  [/^40/, 500],
  [/^42883$/, 404],
  [/^42P01$/, 404],
  [/^42P17$/, 500],
  [/^53400$/, 500],
  [/^53/, 503],
  [/^54/, 500],
  [/^55/, 500],
  [/^57/, 500],
  [/^58/, 500],
  [/^F0/, 500],
  [/^HV/, 500],
  [/^P0001$/, 400],
  [/^P0/, 500],
  [/^XX/, 500],
];

/** SQLSTATEs that @supabase/lite itself maps as PostgREST does. */
const MAPPED_BY_LITE = /^(PT...|PGRST|42501)$/;

/**
 * Rewrites a database error so that @supabase/lite answers with PostgREST's status and body.
 * Left alone, lite would answer 500 with code "SUP" for every SQLSTATE that it does not know.
 *
 * @param {unknown} error
 * @returns {unknown} `error` itself unless it is a database error that needs rewriting
 */
export function toPostgrestError(error) {
  if (!isDatabaseError(error) || MAPPED_BY_LITE.test(error.code)) return error;
  const status = STATUS_BY_SQLSTATE.find(([pattern]) => pattern.test(error.code))?.[1] ?? 400;
  // lite turns an error of this form, PostgREST's "raise sqlstate 'PGRST'", into an answer as it is.
  return {
    code: 'PGRST',
    message: JSON.stringify({
      code: error.code,
      message: error.message,
      details: error.detail ?? null,
      hint: error.hint ?? null,
    }),
    detail: JSON.stringify({ status, headers: {} }),
  };
}

/**
 * @param {unknown} error
 * @returns {error is { code: string, message: string, detail?: string, hint?: string }}
 */
function isDatabaseError(error) {
  return error instanceof Error && error.name === 'PostgresError' && 'code' in error;
}
