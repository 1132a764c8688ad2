/**
 * Wake-ups: Realtime messages that say "pull now" and carry no data. They only make a pull come sooner.
 */

import type { SupabaseLike, WakeChannel } from '../net/transport.ts';
import type { Status } from '../status.ts';

const WAKE_EVENT = 'wake';

/** Topics that everyone listens to; their devices must not all pull in the same instant. */
const PUBLIC_TOPIC = 'offline:public';

/** Longest delay of a pull after a wake-up, by how many devices hear it. */
const SPREAD_MS = { own: 0, shared: 50, public: 2_000 } as const;

export interface WakeOptions {
  readonly supabase: Pick<SupabaseLike, 'channel'>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly userId: string;
  /** Asks for a pull after so long. */
  readonly onWake: (delayMs: number) => void;
  readonly onState: (state: Status['realtime']) => void;
}

export class WakeUps {
  readonly #options: WakeOptions;
  readonly #channels = new Map<string, { readonly channel: WakeChannel; joined: boolean }>();

  constructor(options: WakeOptions) {
    this.#options = options;
  }

  /** Listens to these topics and to no others. */
  listenTo(topics: readonly string[]): void {
    for (const [topic, { channel }] of this.#channels) {
      if (topics.includes(topic)) continue;
      this.#channels.delete(topic);
      void channel.unsubscribe();
    }
    for (const topic of topics) if (!this.#channels.has(topic)) this.#join(topic);
    this.#report();
  }

  close(): void {
    this.listenTo([]);
  }

  #join(topic: string): void {
    const { supabase, random, onWake } = this.#options;
    try {
      const channel = supabase.channel(topic, { config: { private: true } });
      const entry = { channel, joined: false };
      this.#channels.set(topic, entry);
      channel
        .on('broadcast', { event: WAKE_EVENT }, () => onWake(random() * this.#spread(topic)))
        .subscribe((state) => {
          if (this.#channels.get(topic) !== entry) return;
          entry.joined = state === 'SUBSCRIBED';
          // Messages sent while the channel was not joined are lost, so a join is a reason to look.
          if (entry.joined) onWake(0);
          this.#report();
        });
    } catch {
      // No WebSocket here. The timers do without.
      this.#channels.delete(topic);
    }
  }

  #spread(topic: string): number {
    if (topic === `offline:user:${this.#options.userId}`) return SPREAD_MS.own;
    return topic.startsWith(PUBLIC_TOPIC) ? SPREAD_MS.public : SPREAD_MS.shared;
  }

  #report(): void {
    const channels = [...this.#channels.values()];
    const isJoined = channels.every(({ joined }) => joined);
    this.#options.onState(channels.length === 0 ? 'off' : isJoined ? 'joined' : 'joining');
  }
}
