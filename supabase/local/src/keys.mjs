// Tokens of the stack: HS256 JSON Web Tokens, like the keys of a self-hosted project.

import { errors, jwtVerify, SignJWT } from 'jose';

const TEN_YEARS_S = 10 * 365 * 24 * 3600;

/** @param {string} secret */
const keyOf = (secret) => new TextEncoder().encode(secret);

/**
 * Signs any claims; tests use it to stand in for users without signing up.
 *
 * @param {import('jose').JWTPayload} claims
 * @param {string} secret
 * @param {number} lifetimeS
 * @returns {Promise<string>}
 */
export function signToken(claims, secret, lifetimeS) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt(now)
    .setExpirationTime(now + lifetimeS)
    .sign(keyOf(secret));
}

/**
 * Makes an API key.
 *
 * @param {'anon' | 'service_role'} role
 * @param {string} secret
 */
export const signKey = (role, secret) =>
  signToken({ iss: 'supabase-local', role }, secret, TEN_YEARS_S);

/** Why a token was refused. */
export class TokenError extends Error {
  /**
   * @param {'malformed' | 'signature' | 'expired' | 'claims'} reason
   * @param {string} message
   */
  constructor(reason, message) {
    super(message);
    this.name = 'TokenError';
    this.reason = reason;
  }
}

/**
 * Claims of a valid token.
 *
 * @typedef {import('jose').JWTPayload & { role: string, exp: number }} Claims
 *
 * @param {unknown} token
 * @param {string} secret
 * @returns {Promise<Claims>}
 * @throws {TokenError}
 */
export async function verifyToken(token, secret) {
  if (typeof token !== 'string') throw malformed();
  let payload;
  try {
    ({ payload } = await jwtVerify(token, keyOf(secret), { algorithms: ['HS256'] }));
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired(error.payload.exp);
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      throw new TokenError('signature', 'Failed to validate JWT signature');
    }
    throw malformed();
  }
  if (typeof payload.role !== 'string' || typeof payload.exp !== 'number') {
    throw new TokenError('claims', 'Fields `role` and `exp` are required in JWT');
  }
  return /** @type {Claims} */ (payload);
}

const malformed = () => new TokenError('malformed', 'The token provided is not a valid JWT');

/** @param {number | undefined} exp */
function expired(exp) {
  const seconds = exp === undefined ? 0 : Math.floor(Date.now() / 1000) - exp;
  return new TokenError('expired', `Token has expired ${seconds} seconds ago`);
}
