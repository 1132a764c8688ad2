/** What a failed call means for what the client does next. Pure; one table, tested on its own. */

import { OfflineError, type OfflineErrorCode, type ServerError } from '../errors.ts';
import type { PausedReason } from '../types.ts';
import type { RpcFailure } from './transport.ts';

/**
 * - `retry`: nothing is wrong with the request; repeat it later.
 * - `retry_smaller`: it was too much at once; repeat it with less.
 * - `bisect`: something in the request cannot be read; find out what.
 * - `seq_gap`: the server counts this device's mutations differently.
 * - `register`: the server does not know this device, or refuses it.
 * - `pause`: only a person can change it; look again now and then.
 */
export type FailureAction = 'retry' | 'retry_smaller' | 'bisect' | 'seq_gap' | 'register' | 'pause';

export interface Classified {
  readonly action: FailureAction;
  readonly reason: PausedReason;
  readonly code: OfflineErrorCode;
}

const RETRY: Classified = { action: 'retry', reason: 'server', code: 'server_busy' };
const OFFLINE: Classified = { action: 'retry', reason: 'offline', code: 'offline' };
const SMALLER: Classified = { action: 'retry_smaller', reason: 'server', code: 'server_busy' };
const AUTH: Classified = { action: 'pause', reason: 'auth', code: 'auth_required' };
const SETUP: Classified = { action: 'pause', reason: 'server', code: 'setup' };
const BISECT: Classified = { action: 'bisect', reason: 'server', code: 'bad_request' };

/** Codes that mean one thing, whatever HTTP status came with them. */
const BY_CODE: { readonly [code: string]: Classified } = {
  PT401: { action: 'pause', reason: 'auth', code: 'step_up_required' },
  PT403: { action: 'pause', reason: 'server', code: 'tampered' },
  PT404: { action: 'pause', reason: 'server', code: 'not_found' },
  PT409: { action: 'seq_gap', reason: 'server', code: 'bad_answer' },
  PT413: SMALLER,
  '42501': { action: 'register', reason: 'server', code: 'device_refused' },
  '57014': SMALLER,
  '40001': RETRY,
  '40P01': RETRY,
  '42883': SETUP,
  '42P01': SETUP,
  '3F000': SETUP,
  PGRST000: RETRY,
  PGRST001: RETRY,
  PGRST002: RETRY,
  PGRST003: RETRY,
  PGRST102: BISECT,
  PGRST106: SETUP,
  PGRST202: SETUP,
  PGRST203: SETUP,
  PGRST301: AUTH,
  PGRST302: AUTH,
  PGRST303: AUTH,
};

/** SQLSTATE classes: connection, resources, operator intervention, system; then bad data. */
const RETRY_CLASSES: ReadonlySet<string> = new Set(['08', '53', '55', '57', '58', 'XX']);
const BAD_DATA_CLASSES: ReadonlySet<string> = new Set(['22', '23']);

/** Statuses that any proxy on the way may give. */
const RETRY_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** Says what to do about a failed call that was made with a session. */
export function classify(failure: Pick<RpcFailure, 'status' | 'code'>): Classified {
  const { status, code } = failure;
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (status === 0) return OFFLINE;
  if (status === 401) return AUTH;
  if (status === 413 || status === 504) return SMALLER;
  if (RETRY_STATUSES.has(status) || status >= 500) return RETRY;
  // Without a code the answer is not PostgREST's: a proxy or a captive portal is in between.
  if (code === '') return OFFLINE;
  if (RETRY_CLASSES.has(code.slice(0, 2))) return RETRY;
  if (BAD_DATA_CLASSES.has(code.slice(0, 2))) return BISECT;
  return SETUP;
}

/** A failed call or an unusable answer, on its way to whoever decides what happens next. */
export class SyncFailure extends Error {
  override readonly name = 'SyncFailure';

  readonly error: OfflineError;

  constructor(
    readonly action: FailureAction,
    readonly reason: PausedReason,
    code: OfflineErrorCode,
    about?: string,
    server?: ServerError,
  ) {
    super();
    this.error = new OfflineError(code, about, { server });
  }
}

/** The failure of a call as an error that carries its classification. */
export function toSyncFailure(failure: RpcFailure): SyncFailure {
  const { action, reason, code } = classify(failure);
  const server: ServerError = {
    code: failure.code,
    message: failure.message,
    detail: failure.details,
    hint: failure.hint,
  };
  return new SyncFailure(action, reason, code, failure.message, server);
}
