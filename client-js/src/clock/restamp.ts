/**
 * Stamps that a wrong clock gave, put right when the server's time is known. A device whose clock stood at 1970 would
 * lose every contest, one at 2099 would go on stamping the far future, because a clock value never goes back.
 */

import type { Mutation } from '../types.ts';
import { type Hlc, hlcMillis, tick } from './hlc.ts';

/** What the server takes for the present (its default bound); beyond it a stamp is cut. */
const AHEAD_MAX_MS = 60_000;

/** A first estimate closer than this changes nothing worth writing. */
const OFF_MIN_MS = 1_000;

export interface Restamping {
  /** Never sent, in the order of their seqs: the server has not seen their stamps. */
  readonly queued: readonly Mutation[];
  readonly head: Hlc;
  /** The server's time now, and how far ahead of the device it is. */
  readonly nowMs: number;
  readonly offsetMs: number;
  /** Until now the offset was not known, so everything was stamped with the device's own time. */
  readonly isFirst: boolean;
}

/** New stamps of the queued mutations in the same order, and the clock's new state; null: all is well. */
export function restamp({
  queued,
  head,
  nowMs,
  offsetMs,
  isFirst,
}: Restamping): { readonly stamps: readonly Hlc[]; readonly head: Hlc } | null {
  const latest = nowMs + AHEAD_MAX_MS;
  const isUncorrected = isFirst && Math.abs(offsetMs) > OFF_MIN_MS;
  if (!isUncorrected && hlcMillis(head) <= latest) return null;
  let last: Hlc = '0';
  const stamps = queued.map(({ hlc, createdAt }) => {
    const meant = isUncorrected ? createdAt + offsetMs : hlcMillis(hlc);
    const isKept = !isUncorrected && meant <= latest && BigInt(hlc) > BigInt(last);
    last = isKept ? hlc : tick(last, meant > latest ? nowMs : meant);
    return last;
  });
  // What was sent from the future the server has cut, so later stamps need not lie behind it.
  const before = hlcMillis(head) <= latest && BigInt(head) > BigInt(last) ? head : last;
  return { stamps, head: tick(before, nowMs) };
}
