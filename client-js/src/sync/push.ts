/** Sends the outbox, batch by batch, and takes in the verdicts. */

import type { OfflineError } from '../errors.ts';
import { readPushAnswer } from '../net/answers.ts';
import { SyncFailure } from '../net/classify.ts';
import { BATCH_LIMITS, encodeBatch, nextBatch, unitCount } from '../outbox/envelope.ts';
import type { Mirror } from '../store/mirror.ts';
import type { Mutation } from '../types.ts';
import { observeServer, type SyncContext } from './context.ts';
import { adoptNewIdentity, isRolledBack, recoverFromGap } from './recover.ts';
import { applyResults, type Outcome, reject } from './verdicts.ts';

/** A gap in the numbering is mended at most this often in one cycle; more means that mending does not help. */
const GAP_REPAIRS_MAX = 2;

export class Pusher {
  readonly #context: SyncContext;
  /** Lowered when a batch is too much for the server, raised again as batches go through. */
  #mutationsMax = BATCH_LIMITS.mutationsMax;

  constructor(context: SyncContext) {
    this.#context = context;
  }

  /**
   * Sends everything that waits, then asks once for what the server has deferred. Returns how many verdicts came.
   * Rejects with `SyncFailure`; what was decided until then is kept.
   */
  async run(): Promise<number> {
    let verdicts = 0;
    let gapRepairs = 0;
    for (;;) {
      const batch = nextBatch(waiting(this.#context.store.mirror), this.#limits());
      if (batch.length === 0) break;
      try {
        verdicts += await this.#send(batch);
        this.#mutationsMax = Math.min(BATCH_LIMITS.mutationsMax, this.#mutationsMax * 2);
      } catch (failure) {
        if (!(failure instanceof SyncFailure)) throw failure;
        if (failure.action === 'seq_gap' && gapRepairs < GAP_REPAIRS_MAX) {
          gapRepairs += 1;
          await recoverFromGap(failure, this.#context);
        } else await this.#makeSmaller(batch, failure);
      }
    }
    return verdicts + (await this.#askForDeferred());
  }

  /**
   * Compares the numbering with the server's, before anything is sent. Where this device's store is older than what
   * was sent from it (a restored profile), the server has seen other mutations under the numbers that wait here and
   * would take these for repetitions. What is known to have been sent is asked for once more; the rest goes on under
   * a new identity. Returns true when the device has to be registered again.
   */
  async checkNumbering(ackedSeq: number): Promise<boolean> {
    const { store } = this.#context;
    if (!isRolledBack(store.mirror, ackedSeq)) return false;
    let repeated = inState(store.mirror, ['sent']).filter(({ seq }) => seq <= ackedSeq);
    while (repeated.length > 0) {
      const batch = nextBatch(repeated, this.#limits());
      await this.#send(batch);
      repeated = repeated.slice(batch.length);
    }
    await adoptNewIdentity(this.#context);
    return true;
  }

  /** Repeats what the server deferred: it answers with what has become of it, even when an earlier answer was lost. */
  async #askForDeferred(): Promise<number> {
    let verdicts = 0;
    let deferred = inState(this.#context.store.mirror, ['deferred']);
    while (deferred.length > 0) {
      const batch = nextBatch(deferred, this.#limits());
      verdicts += await this.#send(batch);
      deferred = deferred.slice(batch.length);
    }
    return verdicts;
  }

  /** Sends one batch and commits its verdicts. */
  async #send(batch: readonly Mutation[]): Promise<number> {
    const { store, rpc, clock, tables } = this.#context;
    await this.#markSent(batch);
    const answered = await rpc.call('push', {
      p_device: store.mirror.device.deviceId,
      p_batch: encodeBatch(batch, clock.now()),
      p_mac: null,
    });
    const answer = readPushAnswer(answered.data);
    const sent = new Set(batch.map(({ seq }) => seq));
    assertAnswersBatch(answer.results, sent);
    const outcomes = await store.write('relaxed', (draft) => {
      observeServer(draft, answered, answer);
      draft.setSync({
        ackedSeq: Math.max(draft.sync.ackedSeq, answer.ackedSeq),
        epoch: answer.epoch,
        lastPushedAt: clock.now(),
      });
      return applyResults(answer.results, { draft, tables, sent, nowMs: clock.now() });
    });
    this.#report(outcomes);
    return outcomes.filter(({ type }) => type === 'verdict').length;
  }

  /**
   * Recorded before sending, and durably: a mutation that may have reached the server must never look as if it had
   * not, or it could be taken back, or given another number.
   */
  async #markSent(batch: readonly Mutation[]): Promise<void> {
    const { store, handles } = this.#context;
    await store.write('strict', (draft) => {
      for (const { seq } of batch) {
        const mutation = draft.mutation(seq);
        if (mutation?.state === 'queued') draft.putMutation({ ...mutation, state: 'sent' });
      }
    });
    handles.progress(
      batch.map(({ seq }) => seq),
      'sent',
    );
  }

  /** A batch was too large, or holds something that cannot be read: halve it until one mutation or group is left. */
  async #makeSmaller(batch: readonly Mutation[], failure: SyncFailure): Promise<void> {
    const isTooMuch = failure.action === 'retry_smaller';
    if (!isTooMuch && failure.action !== 'bisect') throw failure;
    if (unitCount(batch) > 1) {
      this.#mutationsMax = Math.ceil(batch.length / 2);
      return;
    }
    const isForGood = failure.action === 'bisect' || failure.error.server?.code === 'PT413';
    if (!isForGood || batch.every(({ voided }) => voided)) throw failure;
    await this.#rejectHere(batch, failure.error);
  }

  /**
   * The server refuses to read these at all, so no verdict will ever come: they become dead letters on this device,
   * and no-ops take their places in the numbering.
   */
  async #rejectHere(batch: readonly Mutation[], error: OfflineError): Promise<void> {
    const { store, clock } = this.#context;
    const outcomes = await store.write('strict', (draft) =>
      batch.map((mutation) => {
        const outcome = reject(draft, mutation, error.server ?? null, clock.now());
        draft.putMutation({ ...mutation, voided: true });
        return outcome;
      }),
    );
    this.#report(outcomes);
  }

  #report(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.type === 'verdict') this.#context.handles.settle(outcome.seq, outcome.verdict);
      else this.#context.handles.progress([outcome.seq], 'deferred');
    }
  }

  #limits(): typeof BATCH_LIMITS {
    return { ...BATCH_LIMITS, mutationsMax: this.#mutationsMax };
  }
}

/** Mutations without a verdict, in order. */
function waiting(mirror: Mirror): Mutation[] {
  return inState(mirror, ['queued', 'sent']);
}

function inState(mirror: Mirror, states: readonly Mutation['state'][]): Mutation[] {
  return [...mirror.outbox.values()]
    .filter(({ state }) => states.includes(state))
    .sort((a, b) => a.seq - b.seq);
}

/** An answer that says nothing of what was sent would be asked for again for ever. */
function assertAnswersBatch(results: readonly { readonly seq: number }[], sent: ReadonlySet<number>): void {
  if (results.some(({ seq }) => sent.has(seq))) return;
  throw new SyncFailure('retry', 'server', 'bad_answer', 'no results');
}
