// What happened when, on which lane: the material of the picture.

/**
 * @typedef {object} Chapter
 * @property {string} title
 * @property {number} from milliseconds since the story began
 * @property {number} to
 *
 * @typedef {object} Lane
 * @property {string} id
 * @property {string} title
 * @property {string} subtitle
 *
 * @typedef {object} Offline
 * @property {string} lane
 * @property {number} from
 * @property {number} to
 * @property {string} label what was done meanwhile
 *
 * @typedef {object} Exchange a call between a device and the server
 * @property {string} lane
 * @property {'push' | 'pull'} kind
 * @property {number} from
 * @property {number} to
 * @property {number} rows mutations sent, or rows received
 * @property {boolean} lost the answer never came
 * @property {Set<string>} verdicts kinds of verdicts that came with it
 * @property {boolean} revoked the device learned that it lost a scope
 *
 * @typedef {object} Mark
 * @property {string} lane
 * @property {'eviction' | 'conflict' | 'resolved' | 'rejected' | 'repeated' | 'locked out' | 'let in' | 'edit'} kind
 * @property {number} at
 * @property {string} label
 *
 * @typedef {object} TimelineData
 * @property {Lane[]} lanes the last one is the server
 * @property {Chapter[]} chapters in order
 * @property {Offline[]} offline
 * @property {Exchange[]} exchanges
 * @property {Mark[]} marks
 */

export const SERVER = 'server';

export class Timeline {
  #origin = performance.now();
  #isInChapter = false;
  /** @type {TimelineData} */
  data = { lanes: [], chapters: [], offline: [], exchanges: [], marks: [] };

  /** Milliseconds since the story began. @param {number} [at] `performance.now()` */
  since(at = performance.now()) {
    return at - this.#origin;
  }

  /** Begins a chapter, and ends the one before. @param {string} title */
  chapter(title) {
    this.endChapter();
    const at = this.since();
    this.data.chapters.push({ title, from: at, to: at });
    this.#isInChapter = true;
  }

  /** What happens between chapters is not drawn. */
  endChapter() {
    const last = this.data.chapters.at(-1);
    if (last && this.#isInChapter) last.to = this.since();
    this.#isInChapter = false;
  }

  /** Draws a device's calls from now on. @param {import('./devices/device.mjs').Device} device */
  follow(device) {
    const { name, person } = device;
    this.data.lanes.push({ id: name, title: name, subtitle: person.name });
    device.onCall = (call) => this.#addCall(name, call);
  }

  /** @param {string} lane @param {string} label */
  goOffline(lane, label = '') {
    const at = this.since();
    const period = { lane, from: at, to: at, label };
    this.data.offline.push(period);
    return period;
  }

  /** @param {string} lane @param {Mark['kind']} kind @param {string} label @param {number} [at] */
  mark(lane, kind, label, at = this.since()) {
    this.data.marks.push({ lane, kind, at, label });
  }

  /**
   * When a device first heard of something in the present chapter.
   *
   * @param {string} lane
   * @param {(exchange: Exchange) => boolean} isIt
   * @returns {number | undefined}
   */
  heardAt(lane, isIt) {
    const since = this.data.chapters.at(-1)?.from ?? 0;
    return this.data.exchanges.find(
      (exchange) => exchange.lane === lane && exchange.from >= since && isIt(exchange),
    )?.to;
  }

  /** @param {string} lane @param {import('./devices/network.mjs').Call} call */
  #addCall(lane, { fn, request, answer, lost, startedAt, endedAt }) {
    if (fn !== 'push' && fn !== 'pull') return;
    const previous = this.data.exchanges.findLast((one) => one.lane === lane && one.kind === fn);
    if (previous?.lost) this.mark(lane, 'repeated', 'sent again', this.since(startedAt));
    const rows = fn === 'push' ? JSON.parse(request.p_batch).mutations.length : rowsIn(answer);
    this.data.exchanges.push({
      lane,
      kind: fn,
      from: this.since(startedAt),
      to: this.since(endedAt),
      rows,
      lost,
      verdicts: new Set(
        answer?.results?.map((/** @type {any} */ { was, status }) => was ?? status),
      ),
      revoked: answer?.revoked_scopes?.length > 0,
    });
  }
}

/** @param {any} answer of a pull */
function rowsIn(answer) {
  if (!answer) return 0;
  return answer.changes.reduce(
    (/** @type {number} */ sum, /** @type {any} */ part) => sum + part.upserts.length,
    0,
  );
}
