// How the API recognises a caller.

import { verifyToken } from '../src/keys.mjs';

/**
 * @param {string} jwtSecret
 */
export function signedBy(jwtSecret) {
  return {
    /**
     * Accepts tokens signed by this stack as API keys, as a self-hosted project does.
     *
     * @param {string} key
     */
    async resolveApiKey(key) {
      try {
        const claims = await verifyToken(key, jwtSecret);
        const type = claims.role === 'service_role' ? 'secret' : 'publishable';
        return /** @type {const} */ ({ type, claims });
      } catch {
        return null;
      }
    },

    /**
     * PostgREST trusts a valid token and never looks into schema auth. lite would look up the
     * user and the session for each REST request, unless it finds them known already; it then
     * takes the real ones from the verified token.
     *
     * @param {import('hono').Context} context
     * @param {() => Promise<void>} next
     */
    async skipSessionLookup(context, next) {
      const key = context.req.header('apikey') ?? context.req.query('apikey');
      const token = context.req.header('authorization')?.replace(/^Bearer /i, '');
      if (context.req.path.startsWith('/rest/v1/') && token && token !== key) {
        context.set('userId', 'from the token');
        context.set('sessionId', 'from the token');
      }
      return next();
    },
  };
}
