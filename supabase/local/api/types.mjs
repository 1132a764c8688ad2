// How values travel between the API and Postgres, where @supabase/lite differs from PostgREST.

/** For the option `types` of the driver: serialize is to the database, parse is from it. */
export const postgrestTypes = {
  // lite leaves times in Postgres's own form.
  timestamp: { ...codec(1114), parse: toIso8601 },
  timestamptz: { ...codec(1184), parse: toIso8601 },
  // The driver would make buffers of them; PostgREST speaks Postgres's hexadecimal form.
  bytea: codec(17),
  // lite turns the JSON arguments of a function into text, which must not be quoted once more.
  json: { ...codec(114), serialize: toJsonText, parse: JSON.parse },
  jsonb: { ...codec(3802), serialize: toJsonText, parse: JSON.parse },
};

/**
 * Passes text through both ways.
 *
 * @param {number} oid
 */
function codec(oid) {
  /** @type {(value: any) => any} */
  const same = (value) => value;
  return { to: oid, from: [oid], serialize: same, parse: same };
}

/** @param {string} value such as `2026-11-20 10:37:47.9+00` or `infinity` */
function toIso8601(value) {
  return value.replace(/^(\d{4,}-\d\d-\d\d) /, '$1T').replace(/([+-]\d\d)$/, '$1:00');
}

/** @param {unknown} value */
function toJsonText(value) {
  if (typeof value !== 'string') return JSON.stringify(value);
  try {
    JSON.parse(value);
    return value;
  } catch {
    return JSON.stringify(value);
  }
}
