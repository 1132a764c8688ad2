// The database connection of the API: @supabase/lite's own, brought closer to PostgREST.
//
// The overridden methods are internal to @supabase/lite, whose version is pinned for that
// reason; test/rest.test.mjs covers what each of them changes.

import { PostgresConnection } from '@supabase/lite/postgres';
import { sql } from 'kysely';
import { toPostgrestError } from './errors.mjs';
import { postgrestTypes } from './types.mjs';

/** Connections that serve requests; PostgREST's default is 10. */
const POOL_SIZE = 16;

/**
 * Settings that `alter role` gave a role, which PostgREST applies when it takes on the role.
 *
 * @typedef {Map<string, [name: string, value: string][]>} RoleSettings
 */

// @ts-expect-error: lite declares three of the overridden methods private
export class ApiConnection extends PostgresConnection {
  /** @type {RoleSettings} */
  #roleSettings;

  /**
   * @param {string} url login of the role authenticator
   * @param {RoleSettings} roleSettings
   * @param {import('@supabase/lite').IntrospectResult} catalog
   */
  constructor(url, roleSettings, catalog) {
    super({
      url,
      postgresOptions: {
        max: POOL_SIZE,
        connection: { application_name: 'supabase api' },
        types: postgrestTypes,
      },
    });
    this.#roleSettings = roleSettings;
    this.introspection = catalog;
  }

  /**
   * lite would read the catalog as the login role, which like Supabase's authenticator sees
   * nothing of its own. The catalog comes from outside instead and never changes here.
   */
  async introspect() {
    return this.introspection;
  }

  /** lite would grant the API roles everything in every schema that has a policy. */
  async ensureRlsContext() {
    return true;
  }

  /**
   * Takes on the role and the claims of the caller. One statement where lite sends one per
   * setting, and with the role's own settings, such as its statement timeout.
   *
   * @param {import('kysely').Kysely<any>} transaction
   * @param {{ auth: { role?: string, jwt?: Record<string, unknown> | null } }} context
   */
  async applyJwtSessionContext(transaction, { auth }) {
    const role = auth.role ?? 'anon';
    await setLocally(transaction, [
      ['role', role],
      ['request.jwt.claims', JSON.stringify(auth.jwt ?? { role })],
      ...(this.#roleSettings.get(role) ?? []),
    ]);
  }

  /**
   * Tells a function about the request that called it.
   *
   * @param {import('kysely').Kysely<any>} transaction
   * @param {{ method: string, path: string, requestHeaders?: object }} request
   */
  async applyRpcRequestGucs(transaction, { method, path, requestHeaders }) {
    await setLocally(transaction, [
      ['response.status', ''],
      ['response.headers', ''],
      ['request.method', method],
      ['request.path', path],
      ['request.headers', JSON.stringify(requestHeaders ?? {})],
    ]);
  }

  /** @param {unknown} error */
  normalizeDbError(error) {
    return toPostgrestError(error);
  }
}

/**
 * @param {import('kysely').Kysely<any>} transaction
 * @param {[name: string, value: string][]} settings
 */
async function setLocally(transaction, settings) {
  const calls = settings.map(([name, value]) => sql`set_config(${name}, ${value}, true)`);
  await sql`select ${sql.join(calls)}`.execute(transaction);
}

/**
 * Reads what an ApiConnection needs to know, as a superuser.
 *
 * @param {string} adminUrl
 */
export async function readCatalog(adminUrl) {
  const connection = new PostgresConnection({ url: adminUrl, postgresOptions: { max: 1 } });
  try {
    const catalog = await connection.introspect();
    // lite logs the error of a failed introspection and returns an empty result.
    if (!catalog.functions) throw new Error('the catalog could not be read');
    return { catalog, roleSettings: await readRoleSettings(connection.kysely) };
  } finally {
    await connection.close();
  }
}

/**
 * @param {import('kysely').Kysely<any>} database
 * @returns {Promise<RoleSettings>}
 */
async function readRoleSettings(database) {
  const { rows } = await sql`
    select rolname as role, unnest(setconfig) as setting
    from pg_db_role_setting
    join pg_roles on pg_roles.oid = setrole
    where setdatabase = 0
  `.execute(database);
  /** @type {RoleSettings} */
  const settings = new Map();
  for (const { role, setting } of /** @type {{ role: string, setting: string }[]} */ (rows)) {
    const separator = setting.indexOf('=');
    const known = settings.get(role) ?? [];
    known.push([setting.slice(0, separator), setting.slice(separator + 1)]);
    settings.set(role, known);
  }
  return settings;
}
