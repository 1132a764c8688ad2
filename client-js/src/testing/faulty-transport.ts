/**
 * A network that can be made bad: slow, losing requests or answers, delivering twice, failing with any error. Seeded,
 * so a run can be repeated.
 */

import { type Clock, systemClock } from '../clock/clock.ts';
import type { RpcAnswer, RpcArguments, RpcFailure, RpcFunction, Transport } from '../net/transport.ts';

/** What happens to a call. `lose_answer`: the server does it, and the device never hears. */
export type Fault =
  | 'none'
  | 'lose_request'
  | 'lose_answer'
  | 'duplicate'
  | { readonly fail: Partial<RpcFailure> };

/** How often what goes wrong, from 0 to 1, and how slow it is. */
export interface NetworkConditions {
  readonly latencyMs?: { readonly min: number; readonly max: number };
  readonly loseRequest?: number;
  readonly loseAnswer?: number;
  readonly duplicate?: number;
  readonly offline?: boolean;
}

/** A call as it went, for debugging. */
export interface CallRecord {
  readonly at: number;
  readonly fn: RpcFunction;
  readonly args: RpcArguments;
  readonly fault: Fault;
  readonly answer: RpcAnswer;
}

export interface FaultyTransport extends Transport {
  /** Replaces the conditions from now on. */
  setConditions(conditions: NetworkConditions): void;
  /** Decides the fate of the next calls (of one function), before the conditions are asked. */
  plan(fault: Fault, fn?: RpcFunction): void;
  /** Forgets what was planned and not met yet. */
  clearPlan(): void;
  readonly calls: readonly CallRecord[];
}

export interface FaultyTransportOptions {
  /** Uniform in [0, 1); bring a seeded one. */
  readonly random: () => number;
  readonly clock?: Clock;
  readonly conditions?: NetworkConditions;
}

const NO_ANSWER: RpcFailure = {
  ok: false,
  status: 0,
  code: '',
  message: 'TypeError: fetch failed',
  details: null,
  hint: null,
};

export function faultyTransport(
  inner: Transport,
  { random, clock = systemClock, conditions = {} }: FaultyTransportOptions,
): FaultyTransport {
  const planned: { readonly fault: Fault; readonly fn: RpcFunction | undefined }[] = [];
  const calls: CallRecord[] = [];
  let current = conditions;
  const draw = (): Fault => {
    if (current.offline === true) return 'lose_request';
    const dice = random();
    const lost = current.loseRequest ?? 0;
    const unanswered = lost + (current.loseAnswer ?? 0);
    if (dice < lost) return 'lose_request';
    if (dice < unanswered) return 'lose_answer';
    return dice < unanswered + (current.duplicate ?? 0) ? 'duplicate' : 'none';
  };
  const nextFault = (fn: RpcFunction): Fault => {
    const index = planned.findIndex((plan) => plan.fn === undefined || plan.fn === fn);
    return index === -1 ? draw() : (planned.splice(index, 1)[0]?.fault ?? 'none');
  };
  return {
    calls,
    setConditions(conditions) {
      current = conditions;
    },
    plan(fault, fn) {
      planned.push({ fault, fn });
    },
    clearPlan() {
      planned.length = 0;
    },
    async call(fn, args, signal) {
      const fault = nextFault(fn);
      await wait(clock, current.latencyMs, random);
      const answer = await deliver(inner, fault, fn, args, signal);
      calls.push({ at: clock.now(), fn, args, fault, answer });
      return answer;
    },
  };
}

async function deliver(
  inner: Transport,
  fault: Fault,
  fn: RpcFunction,
  args: RpcArguments,
  signal: AbortSignal,
): Promise<RpcAnswer> {
  if (fault === 'lose_request') return NO_ANSWER;
  if (typeof fault === 'object') return { ...NO_ANSWER, status: 500, ...fault.fail };
  if (fault === 'duplicate') await inner.call(fn, args, signal);
  const answer = await inner.call(fn, args, signal);
  return fault === 'lose_answer' ? NO_ANSWER : answer;
}

function wait(clock: Clock, latency: NetworkConditions['latencyMs'], random: () => number): Promise<void> {
  if (latency === undefined) return Promise.resolve();
  const delay = latency.min + random() * (latency.max - latency.min);
  return new Promise((resolve) => {
    clock.after(delay, resolve);
  });
}
