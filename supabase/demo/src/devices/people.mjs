// People with accounts of their own.

import { randomUUID } from 'node:crypto';
import { createClient } from '@supabase/supabase-js';

/** @typedef {{ name: string, id: string, email: string, password: string }} Person */

/**
 * Signs somebody up through the auth API, under an address that nobody has.
 *
 * @param {import('../stack.mjs').Stack} stack
 * @param {string} name
 * @returns {Promise<{ person: Person, supabase: import('@supabase/supabase-js').SupabaseClient }>}
 *   the person, and a plain session without the offline client
 */
export async function signUp(stack, name) {
  const email = `${name.toLowerCase()}-${randomUUID()}@example.org`;
  const password = randomUUID();
  const supabase = createClient(stack.url, stack.anonKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    // Node 20 has no WebSocket of its own; this session needs none.
    realtime: { transport: /** @type {any} */ (class {}) },
  });
  const { data, error } = await supabase.auth.signUp({ email, password });
  if (error || !data.user) throw error ?? new Error(`${name} could not sign up`);
  return { person: { name, id: data.user.id, email, password }, supabase };
}
