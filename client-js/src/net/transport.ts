/** How calls reach the server. Everything above knows functions, arguments and answers, and no HTTP. */

import type { Json } from '../types.ts';

/** The functions of schema `offline` that this client calls. */
export type RpcFunction =
  | 'register_device'
  | 'push'
  | 'pull'
  | 'conflicts'
  | 'resolve_conflict'
  | 'export_model';

export type RpcArguments = { readonly [argument: string]: Json };

/** A call that failed. `status` 0: no answer, or none that could be read. */
export interface RpcFailure {
  readonly ok: false;
  readonly status: number;
  /** SQLSTATE or PostgREST code; empty when something else answered. */
  readonly code: string;
  readonly message: string;
  readonly details: string | null;
  readonly hint: string | null;
}

export type RpcAnswer = { readonly ok: true; readonly data: unknown } | RpcFailure;

export interface Transport {
  /** Never rejects: a failure is an answer. */
  call(fn: RpcFunction, args: RpcArguments, signal: AbortSignal): Promise<RpcAnswer>;
}

/** An answer of postgrest-js, as far as it is read here. */
interface PostgrestLike {
  readonly data: unknown;
  readonly status: number;
  readonly error: {
    readonly message?: string;
    readonly code?: string;
    readonly details?: string | null;
    readonly hint?: string | null;
  } | null;
}

interface CallBuilder extends PromiseLike<PostgrestLike> {
  abortSignal(signal: AbortSignal): PromiseLike<PostgrestLike>;
}

export interface Session {
  readonly user: { readonly id: string };
}

/** A Realtime channel, as far as wake-ups need it. */
export interface WakeChannel {
  on(type: 'broadcast', filter: { event: string }, callback: () => void): WakeChannel;
  subscribe(callback: (status: string) => void): WakeChannel;
  unsubscribe(): Promise<unknown>;
}

/** What is used of a supabase-js client. Any `SupabaseClient` fits. */
export interface SupabaseLike {
  /** Called with `offline`, which an app's generated types need not know. */
  schema(name: never): unknown;
  readonly auth: {
    getSession(): Promise<{ data: { session: Session | null }; error: { name?: string } | null }>;
    onAuthStateChange(callback: (event: string, session: Session | null) => void): {
      data: { subscription: { unsubscribe(): void } };
    };
  };
  channel(topic: string, options: { config: { private: boolean } }): WakeChannel;
}

/** `schema('offline')` as it is, whatever the app's types say of it. */
interface OfflineSchema {
  schema(name: 'offline'): { rpc(fn: string, args: RpcArguments): CallBuilder };
}

/** Calls through supabase-js, under whatever session it has. */
export function supabaseTransport(client: Pick<SupabaseLike, 'schema'>): Transport {
  const supabase = client as unknown as OfflineSchema;
  return {
    async call(fn, args, signal) {
      try {
        const answer = await supabase.schema('offline').rpc(fn, args).abortSignal(signal);
        if (answer.error === null) return { ok: true, data: answer.data };
        const { message, code, details, hint } = answer.error;
        return {
          ok: false,
          status: answer.status,
          code: code ?? '',
          message: message ?? '',
          details: details ?? null,
          hint: hint ?? null,
        };
      } catch (error) {
        return { ok: false, status: 0, code: '', message: String(error), details: null, hint: null };
      }
    },
  };
}
