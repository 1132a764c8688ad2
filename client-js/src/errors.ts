/**
 * Every failure this library reports, as one closed union of codes.
 *
 * Codes are stable and are what programs branch on; `hint` says what a developer can do about it. A server's own
 * words stay in `details`.
 */

const HINTS = {
  // Raised by a call, before anything is stored.
  row_exists: 'Use update or upsert.',
  row_not_found: 'The row is not on this device; upsert writes it unseen.',
  key_missing: 'Give every key column, or set generateKey.',
  key_change: 'Delete the row and insert it under the new key.',
  invalid_value: 'Use JSON values, Date, bigint or Uint8Array.',
  too_large: 'Split the write or the group.',
  reserved_name: 'Rename the property and set the table option "name".',
  no_user: 'Sign in first.',
  unsynced_work: 'Sync first, or sign out with "keep" or "discard".',
  in_flight: 'Wait for its verdict, then write the opposite.',
  not_found: 'It was settled meanwhile.',
  closed: 'Make a new client, or resume.',
  // Raised by the local store.
  quota: 'Free space on the device; the outbox is kept.',
  storage: 'Reload the page; what was written is kept.',
  // Reported by synchronisation.
  offline: 'Sent by itself when the network is back.',
  auth_required: 'Sign in again; the work is kept.',
  step_up_required: 'A table asks for a fresher sign-in.',
  server_busy: 'Tried again by itself.',
  setup: 'Expose schema "offline", run offline.bootstrap() and enable_sync().',
  schema_mismatch: 'Declare the key columns as in the database.',
  device_refused: 'It was revoked, or is of another user.',
  tampered: 'The signature of a batch does not fit.',
  bad_request: 'The server cannot read it; see the outbox.',
  bad_answer: 'Check that client and server versions fit.',
  // Raised by the core in the browser.
  core_missing: 'Set the option "core".',
  core_refused: 'See server.code.',
  core_failed: 'Call again.',
} as const;

/** Codes of `pg-offline-sync/models`, which has their hints: apps without models do not load them. */
export type ModelErrorCode = 'model_missing' | 'model_damaged' | 'model_unsupported';

/** The closed set of error codes. */
export type OfflineErrorCode = keyof typeof HINTS | ModelErrorCode;

/** What the server said about a refused mutation or call: a SQLSTATE or PostgREST code with its texts. */
export interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly detail: string | null;
  readonly hint: string | null;
}

/** The one error class of this library. */
export class OfflineError extends Error {
  override readonly name = 'OfflineError';
  /** What a developer can do about it. */
  readonly hint: string;
  /** The server's own error, when there is one. */
  readonly server: ServerError | undefined;

  /** `about`: what it happened to, or what was said; becomes part of the message. */
  constructor(
    readonly code: OfflineErrorCode,
    about = '',
    context: {
      readonly cause?: unknown;
      readonly server?: ServerError | undefined;
      readonly hint?: string;
    } = {},
  ) {
    super(about === '' ? code : `${code}: ${about}`, { cause: context.cause });
    this.hint = context.hint ?? HINTS[code as keyof typeof HINTS];
    this.server = context.server;
  }
}
