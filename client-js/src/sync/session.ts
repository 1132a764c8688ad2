/** May this device speak for the user whose work it holds? */

import { SyncFailure } from '../net/classify.ts';
import type { SupabaseLike } from '../net/transport.ts';

/** What auth-js calls a failed refresh that is worth repeating: there was no network. */
const RETRYABLE_AUTH_ERROR = 'AuthRetryableFetchError';

/**
 * Rejects with `SyncFailure` unless there is a session of this user. Without this check, supabase-js would send the
 * calls as `anon` while a session is expired, and the server would refuse the user's work.
 */
export async function requireSession(auth: SupabaseLike['auth'], userId: string): Promise<void> {
  const { data, error } = await auth.getSession();
  if (data.session?.user.id === userId) return;
  if (data.session === null && error?.name === RETRYABLE_AUTH_ERROR) {
    throw new SyncFailure('retry', 'offline', 'offline', 'the session could not be refreshed');
  }
  throw new SyncFailure('pause', 'auth', 'auth_required', data.session === null ? '' : 'another user');
}
