// One instance of @supabase/lite, for the catalog as it is now.

import { readFileSync } from 'node:fs';
import { App } from '@supabase/lite';
import { parse } from 'smol-toml';
import { paths } from '../src/paths.mjs';
import { databaseUrl } from '../src/state.mjs';
import { ApiConnection, readCatalog } from './connection.mjs';
import { signedBy } from './credentials.mjs';

/**
 * @typedef {object} Api
 * @property {(request: Request) => Promise<Response>} fetch
 * @property {() => Promise<void>} close
 */

/**
 * @param {import('../src/state.mjs').StackState} state
 * @returns {Promise<Api>}
 */
export async function createApi(state) {
  const { catalog, roleSettings } = await readCatalog(databaseUrl(state));
  const connection = new ApiConnection(databaseUrl(state, 'authenticator'), roleSettings, catalog);
  const { api, auth } = parse(readFileSync(paths.config, 'utf8'));
  const credentials = signedBy(state.jwtSecret);
  const app = new App({
    connection,
    api,
    auth: { .../** @type {object} */ (auth), jwt_secret: state.jwtSecret },
    studio: { enabled: false },
    options: {
      server: {
        apiKeys: { resolver: credentials.resolveApiKey },
        middlewares: [credentials.skipSessionLookup],
        disableStudio: true,
      },
    },
  });
  await app.init();
  return { fetch: (request) => app.fetch(request), close: () => connection.close() };
}
