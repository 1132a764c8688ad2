/** Fetches what changed on the server, page by page. */

import { type PullAnswer, readPullAnswer } from '../net/answers.ts';
import { SyncFailure } from '../net/classify.ts';
import type { TimedAnswer } from '../net/rpc.ts';
import type { ServerSchema } from '../storage/storage.ts';
import type { Draft } from '../store/draft.ts';
import { observeServer, type SyncContext } from './context.ts';
import { applyChanges, dropStrays, type PageContext, seenSeq, settleAllConfirmed, sweep } from './pages.ts';

const PAGE_ROWS_MAX = 1_000;
const PAGE_ROWS_MIN = 10;
const PAGE_BYTES_MAX = 1_000_000;

/** Starting over more often than this in one cycle means that the server never accepts its own cursor. */
const RESTARTS_MAX = 3;

/** A page says whether another follows, or whether the pull must start over. */
type Next = 'done' | 'more' | 'restart';

export class Puller {
  readonly #context: SyncContext;
  #pageRows = PAGE_ROWS_MAX;

  constructor(context: SyncContext) {
    this.#context = context;
  }

  /**
   * Pulls until nothing is left. Returns how many conflicts wait for this user on the server. Rejects with
   * `SyncFailure`; pages taken in until then are kept, and the next run goes on behind them.
   */
  async run(): Promise<number> {
    await this.#coverTables();
    let conflicts = await this.#pullOnce();
    // A pull begun in an earlier cycle does not show what was decided since; one that starts now does.
    while (this.#hasConfirmed()) conflicts = await this.#pullOnce();
    return conflicts;
  }

  async #pullOnce(): Promise<number> {
    const isFresh = !this.#context.store.mirror.sync.paging;
    let restarts = 0;
    for (;;) {
      const { next, conflicts } = await this.#page(isFresh || restarts > 0);
      if (next === 'done') return conflicts;
      if (next === 'restart') restarts += 1;
      if (restarts > RESTARTS_MAX) {
        throw new SyncFailure('retry', 'server', 'bad_answer', 'every pull is reset');
      }
    }
  }

  /** Asks for one page and commits it. `settles`: its end proves that everything decided before was seen. */
  async #page(settles: boolean): Promise<{ next: Next; conflicts: number }> {
    const { store } = this.#context;
    const cursor = store.mirror.sync.cursor;
    let answered: TimedAnswer;
    try {
      answered = await this.#ask(cursor);
    } catch (failure) {
      return { next: await this.#afterFailure(failure, cursor), conflicts: 0 };
    }
    const answer = readPullAnswer(answered.data);
    const next = await store.write('relaxed', (draft) =>
      this.#take(draft, answer, answered, cursor, settles),
    );
    this.#context.models?.take(this.#context, answer.models);
    this.#pageRows = Math.min(PAGE_ROWS_MAX, this.#pageRows * 2);
    return { next, conflicts: answer.conflicts };
  }

  async #ask(cursor: string | null): Promise<TimedAnswer> {
    const { store, rpc, tables, models } = this.#context;
    const { sync, device } = store.mirror;
    return rpc.call('pull', {
      p_device: device.deviceId,
      p_request: {
        cursor,
        limit: this.#pageRows,
        max_bytes: PAGE_BYTES_MAX,
        tables: [...tables.keys()],
        // A full pull decides what stays, so it must bring the device's own rows as well.
        seen_seq: cursor === null || sync.sweeping ? '0' : String(seenSeq(store.mirror)),
        // Verdicts named the scopes of rows that this device wrote, so pulls need not repeat them for that.
        push_scopes: true,
        schema: knownSchema(sync.schema),
        ...(models && { models: await models.held(this.#context) }),
      },
    });
  }

  #take(
    draft: Draft,
    answer: PullAnswer,
    answered: TimedAnswer,
    cursor: string | null,
    settles: boolean,
  ): Next {
    observeServer(draft, answered, answer);
    if (answer.reset && cursor !== null) {
      startOver(draft, answer.epoch);
      return 'restart';
    }
    if (cursor === null && !draft.sync.sweeping) startOver(draft, answer.epoch);
    const { store, tables, clock } = this.#context;
    const page: PageContext = { draft, mirror: store.mirror, tables };
    const isDoubtful = applyChanges(answer, page);
    draft.setSync({
      cursor: answer.cursor,
      epoch: answer.epoch,
      paging: answer.hasMore,
      ...(answer.topics === null ? {} : { topics: answer.topics }),
      ...(answer.schema === null ? {} : { schema: answer.schema }),
      ...(answer.hasMore ? {} : { lastPulledAt: clock.now() }),
    });
    if (answer.schema !== null) this.#assertSameKeys(answer.schema.tables);
    if (isDoubtful) {
      startOver(draft, answer.epoch);
      return 'restart';
    }
    if (answer.hasMore) return 'more';
    if (draft.sync.sweeping) sweep(page);
    if (settles) {
      dropStrays(page);
      settleAllConfirmed(page);
    }
    return 'done';
  }

  /** Smaller pages when a page is too much; from the start when the cursor is not accepted. */
  async #afterFailure(failure: unknown, cursor: string | null): Promise<Next> {
    if (!(failure instanceof SyncFailure)) throw failure;
    if (failure.action === 'retry_smaller' && this.#pageRows > PAGE_ROWS_MIN) {
      this.#pageRows = Math.max(PAGE_ROWS_MIN, Math.floor(this.#pageRows / 2));
      return 'more';
    }
    if (failure.action !== 'bisect') throw failure;
    if (cursor === null) {
      // Not the cursor's fault, so the request's: it names a table that is not synced.
      const { message, server } = failure.error;
      throw new SyncFailure('pause', 'server', 'setup', message, server);
    }
    await this.#context.store.write('relaxed', (draft) => startOver(draft, draft.sync.epoch));
    return 'restart';
  }

  /** A cursor has passed the older rows of tables that the app did not declare then: those need a full pull. */
  async #coverTables(): Promise<void> {
    const { store, tables } = this.#context;
    const declared = [...tables.keys()];
    const { cursor, tables: covered } = store.mirror.sync;
    const isCovered = declared.every((table) => covered.includes(table));
    if (isCovered && covered.length === declared.length) return;
    await store.write('relaxed', (draft) => {
      draft.setSync({ tables: declared });
      if (cursor !== null && !isCovered) startOver(draft, draft.sync.epoch);
    });
  }

  #assertSameKeys(described: { readonly [table: string]: { readonly key: readonly string[] } }): void {
    for (const [table, spec] of this.#context.tables) {
      const key = described[table]?.key;
      if (key === undefined || sameColumns(key, spec.keyColumns)) continue;
      throw new SyncFailure('pause', 'server', 'schema_mismatch', `${table} (${key.join()})`);
    }
  }

  #hasConfirmed(): boolean {
    return [...this.#context.store.mirror.outbox.values()].some(({ state }) => state === 'confirmed');
  }
}

/** Empty asks for it again: what older versions of this client stored lacks the policies. */
function knownSchema(schema: ServerSchema | null): string | null {
  const isComplete = Object.values(schema?.tables ?? {}).every(({ policy }) => policy !== undefined);
  return isComplete ? (schema?.hash ?? null) : '';
}

/** Begins a full pull: rows that it does not bring are swept at its end. The outbox is not touched. */
function startOver(draft: Draft, epoch: string | null): void {
  draft.setSync({
    cursor: null,
    epoch,
    paging: false,
    sweeping: true,
    generation: draft.sync.generation + 1,
  });
}

function sameColumns(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((column) => right.includes(column));
}
