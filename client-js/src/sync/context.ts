/** What the parts of a sync cycle work with. */

import type { Clock } from '../clock/clock.ts';
import { observe } from '../clock/hlc.ts';
import { estimateOffset } from '../clock/offset.ts';
import { restamp } from '../clock/restamp.ts';
import type { ModelSource } from '../models/port.ts';
import type { Rpc, TimedAnswer } from '../net/rpc.ts';
import type { Handles } from '../outbox/handles.ts';
import type { Draft } from '../store/draft.ts';
import type { LocalStore } from '../store/local-store.ts';
import type { TableSpec } from '../table.ts';

export interface SyncContext {
  readonly store: LocalStore;
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly handles: Handles;
  /** Declared tables by qualified name. */
  readonly tables: ReadonlyMap<string, TableSpec>;
  readonly newDeviceId: () => string;
  readonly models: ModelSource | null;
}

/** Learns from an answer how far the clocks are apart, and what clock values the server has seen. */
export function observeServer(
  draft: Draft,
  { sentAt, receivedAt }: TimedAnswer,
  server: { readonly serverNow: number; readonly serverHlc?: string },
): void {
  const isFirst = draft.sync.clock === null;
  const clock = estimateOffset(draft.sync.clock, { sentAt, receivedAt, serverNow: server.serverNow });
  if (clock !== draft.sync.clock) draft.setSync({ clock });
  correctStamps(draft, { nowMs: receivedAt + clock.offsetMs, offsetMs: clock.offsetMs, isFirst });
  if (server.serverHlc === undefined) return;
  draft.setHead({ hlc: observe(draft.head.hlc, server.serverHlc, receivedAt + clock.offsetMs) });
}

function correctStamps(
  draft: Draft,
  time: { readonly nowMs: number; readonly offsetMs: number; readonly isFirst: boolean },
): void {
  const queued = draft.mutations().filter(({ state }) => state === 'queued');
  const right = restamp({ ...time, queued, head: draft.head.hlc });
  if (right === null) return;
  for (const [i, mutation] of queued.entries()) {
    draft.putMutation({ ...mutation, hlc: right.stamps[i] as string });
  }
  draft.setHead({ hlc: right.head });
}
