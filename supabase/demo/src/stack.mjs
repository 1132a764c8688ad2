// The running local stack: where it is, and a superuser's connection to its database.

import { existsSync, readFileSync } from 'node:fs';
import postgres from 'postgres';
import { paths } from '../../local/src/paths.mjs';

/**
 * @typedef {object} Stack
 * @property {string} url base address of the API
 * @property {string} anonKey
 * @property {string} databaseUrl of the superuser
 *
 * @typedef {import('postgres').Sql} Sql
 */

/**
 * What `make up` wrote down. Variables of the environment win, so that the demonstration can be
 * pointed at another Supabase with the sample tables. Ends the program when there is no stack.
 *
 * @returns {Stack}
 */
export function readStack() {
  const written = existsSync(paths.env) ? parseEnv(readFileSync(paths.env, 'utf8')) : {};
  /** @param {string} name */
  const variable = (name) => {
    const value = process.env[name] ?? written[name];
    if (value) return value;
    console.error(`${name} is not known: start the stack with "make up" first`);
    return process.exit(2);
  };
  return {
    url: variable('SUPABASE_URL'),
    anonKey: variable('SUPABASE_ANON_KEY'),
    databaseUrl: variable('DATABASE_URL'),
  };
}

/**
 * @param {string} text lines of NAME=value
 * @returns {Record<string, string>}
 */
function parseEnv(text) {
  const lines = text.split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/**
 * Connects as the administrator, who sees all rows. End it with `sql.end()`.
 *
 * @param {Stack} stack
 * @returns {Sql}
 */
export function connectAsAdmin(stack) {
  return postgres(stack.databaseUrl, {
    max: 2,
    onnotice: () => {},
    connection: { application_name: 'demonstration', TimeZone: 'UTC' },
  });
}
