// One lane of the picture: what a device did, or what happened on the server.

import { number } from '../report/narrator.mjs';
import { SERVER } from '../timeline.mjs';
import { element, text, title } from './element.mjs';
import { placeLabels } from './labels.mjs';
import { columnAt } from './scale.mjs';

/**
 * @typedef {import('../timeline.mjs').TimelineData} TimelineData
 * @typedef {import('../timeline.mjs').Exchange} Exchange
 * @typedef {import('../timeline.mjs').Mark} Mark
 *
 * @typedef {object} Frame where a lane is
 * @property {number} top
 * @property {number} height
 * @property {number} left
 * @property {number} right
 * @property {import('./scale.mjs').Column[]} columns
 * @property {(at: number) => number} scale from time to x
 */

/** Rows that make a bar of full height. */
const ROWS_MAX = 1_000;

const PUSH_HEIGHT_MAX = 28;
const PULL_HEIGHT_MAX = 16;

/** Labels stand in so many rows above the bars. */
const LABEL_ROWS = 3;
const LABEL_LINE = 13;

/** Bars as narrow as this have no room for their number. */
const NUMBERED_FROM = 22;

/** @type {Record<Mark['kind'], string>} */
const MARK_CLASSES = {
  edit: 'good',
  eviction: 'warn',
  conflict: 'warn',
  rejected: 'bad',
  resolved: 'good',
  repeated: 'good',
  'locked out': 'bad',
  'let in': 'good',
};

/**
 * @param {TimelineData} data
 * @param {string} lane
 * @param {string} colour class of the lane
 * @param {Frame} frame
 * @returns {string} markup
 */
export function deviceLane(data, lane, colour, frame) {
  const axis = frame.top + frame.height - PULL_HEIGHT_MAX - 8;
  const own = data.exchanges.filter((exchange) => exchange.lane === lane);
  return [
    ...data.offline
      .filter((period) => period.lane === lane)
      .map((period) => offlineBand(period, frame)),
    element('line', { class: 'line', x1: frame.left, x2: frame.right, y1: axis, y2: axis }),
    ...own.map((exchange) => bar(exchange, colour, axis, frame)),
    ...own.filter(({ lost }) => lost).map((exchange) => lostAnswer(exchange, axis, frame)),
    ...marks(data, lane, axis, frame),
  ].join('\n');
}

/**
 * @param {TimelineData} data
 * @param {Map<string, string>} colours classes by lane
 * @param {Frame} frame
 * @returns {string} markup
 */
export function serverLane(data, colours, frame) {
  const lanes = [...colours.keys()];
  const rowHeight = 9;
  const bottom = frame.top + frame.height - 12;
  const pushes = data.exchanges.filter(({ kind }) => kind === 'push');
  const bars = pushes.map((push) => {
    const [x, width] = extent(push, frame);
    const y = bottom - rowHeight * (lanes.length - lanes.indexOf(push.lane));
    const what = `${push.lane}: ${number(push.rows)} mutations`;
    const shape = { class: colours.get(push.lane), x, y, width, height: rowHeight - 2, rx: 1.5 };
    return element('rect', shape, [title(what)]);
  });
  const axis = bottom - rowHeight * lanes.length - 4;
  return [...bars, ...marks(data, SERVER, axis, frame)].join('\n');
}

/** @param {Exchange} exchange @param {Frame} frame @returns {[number, number]} x and width */
function extent({ from, to }, { scale }) {
  const x = scale(from);
  return [x, Math.max(scale(to) - x, 2)];
}

/** @param {TimelineData['offline'][number]} period @param {Frame} frame */
function offlineBand({ from, to, label }, { top, height, scale }) {
  const [x, right] = [scale(from), scale(to)];
  const box = { x, y: top + 6, width: right - x, height: height - 12, rx: 4 };
  const middle = { class: 'dim', 'text-anchor': 'middle' };
  return [
    element('rect', { class: 'offline', ...box }),
    element('rect', { fill: 'url(#hatch)', ...box }),
    text((x + right) / 2, top + height / 2 - 12, `offline: ${label}`, middle),
  ].join('');
}

/** @param {Exchange} exchange @param {string} colour @param {number} axis @param {Frame} frame */
function bar(exchange, colour, axis, frame) {
  const { kind, rows, lost } = exchange;
  const [x, width] = extent(exchange, frame);
  const share = Math.sqrt(Math.min(rows / ROWS_MAX, 1));
  const height =
    kind === 'push' ? 4 + share * (PUSH_HEIGHT_MAX - 4) : 2 + share * (PULL_HEIGHT_MAX - 2);
  const y = kind === 'push' ? axis - height : axis;
  const what =
    kind === 'push' ? `push of ${number(rows)} mutations` : `pull of ${number(rows)} rows`;
  const shape = {
    x,
    y,
    width,
    height,
    rx: 1.5,
    class: lost ? 'lost' : kind === 'push' ? colour : 'pull',
  };
  const box = element('rect', shape, [title(lost ? `${what}, answer lost` : what)]);
  if (kind === 'pull' || lost || width < NUMBERED_FROM) return box;
  const middle = { class: 'count', 'text-anchor': 'middle' };
  return box + text(x + width / 2, y - 4, number(rows), middle);
}

/** @param {Exchange} exchange @param {number} axis @param {Frame} frame */
function lostAnswer(exchange, axis, frame) {
  const [x] = extent(exchange, frame);
  return text(x, axis + PULL_HEIGHT_MAX - 3, 'answer lost', { class: 'label bad' });
}

/** @param {TimelineData} data @param {string} lane @param {number} axis @param {Frame} frame */
function marks(data, lane, axis, frame) {
  const own = data.marks
    .filter((mark) => mark.lane === lane)
    .map(({ at, label, kind }) => {
      const { left, right } = columnAt(frame.columns, at);
      return { x: frame.scale(at), text: label, kind, left, right };
    })
    .sort((a, b) => a.x - b.x);
  const places = placeLabels(own, LABEL_ROWS);
  return own.map(({ x, text: label, kind }, i) => {
    const { row, anchor } = places[i];
    const y = frame.top + 18 + LABEL_LINE * (LABEL_ROWS - 1 - row);
    const side = anchor === 'start' ? 7 : -7;
    return [
      element('line', { class: 'line', x1: x, x2: x, y1: y, y2: axis }),
      element('circle', { class: MARK_CLASSES[kind], cx: x, cy: y - 4, r: 4 }),
      text(x + side, y, label, { class: 'label', 'text-anchor': anchor }),
    ].join('');
  });
}
