/** How models ride on a pull. Types only: what an app without models loads is nothing of this. */

import type { RpcArguments, RpcFunction } from '../net/transport.ts';
import type { OfflineStorage } from '../storage/storage.ts';
import type { JsonRow } from '../types.ts';

/** One user's storage on this device, and the server's functions as this user. */
export interface ModelSpace {
  readonly store: { readonly storage: OfflineStorage };
  readonly rpc: { call(fn: RpcFunction, args: RpcArguments): Promise<{ readonly data: unknown }> };
}

/** What keeps models up to date; `createModels()` of `pg-offline-sync/models` is one. */
export interface ModelSource {
  /** What the device registers with: `capabilities`, which the server compares with the `requires` of models. */
  readonly deviceInfo: JsonRow;
  /** Called by the client that the source was given to. `space` rejects with `no_user` while nobody is signed in. */
  attach(space: () => Promise<ModelSpace>): void;
  /** The versions held, by name: what the pull asks with. */
  held(space: ModelSpace): Promise<JsonRow>;
  /** Takes what a pull answered. Does not wait and never throws. */
  take(space: ModelSpace, entries: unknown): void;
}
