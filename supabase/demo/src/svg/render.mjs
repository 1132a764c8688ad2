// The picture of a story.

import { duration } from '../report/narrator.mjs';
import { SERVER } from '../timeline.mjs';
import { element, text, title } from './element.mjs';
import { deviceLane, serverLane } from './lane.mjs';
import { columnsOf, scaleOf } from './scale.mjs';
import { LANE_COLOURS, STYLE } from './style.mjs';

/**
 * @typedef {import('../timeline.mjs').TimelineData} TimelineData
 * @typedef {import('./scale.mjs').Column} Column
 */

const WIDTH = 1_180;
const MARGIN = 24;
const LABELS = 92;
const HEAD = 96;
const LANE = 112;
const SERVER_LANE = 96;
const FOOT = 40;

/**
 * @param {TimelineData} data
 * @param {{ headline: string, summary: string }} words
 * @returns {string} an SVG document
 */
export function renderTimeline(data, { headline, summary }) {
  const devices = data.lanes.filter(({ id }) => id !== SERVER);
  const height = HEAD + LANE * devices.length + SERVER_LANE + FOOT;
  const [left, right] = [MARGIN + LABELS, WIDTH - MARGIN];
  const columns = columnsOf(data.chapters, left, right - left);
  const scale = scaleOf(columns);
  const colours = new Map(devices.map(({ id }, i) => [id, `lane${i % LANE_COLOURS}`]));
  const bottom = height - FOOT;
  const lanes = data.lanes.map((lane) => {
    const i = devices.indexOf(lane);
    const top = i === -1 ? bottom - SERVER_LANE : HEAD + LANE * i;
    const frame = { top, height: i === -1 ? SERVER_LANE : LANE, left, right, columns, scale };
    const drawn =
      i === -1
        ? serverLane(data, colours, frame)
        : deviceLane(data, lane.id, /** @type {string} */ (colours.get(lane.id)), frame);
    return heading(lane, frame) + drawn;
  });
  const size = { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}` };
  return `${element('svg', { xmlns: 'http://www.w3.org/2000/svg', ...size, role: 'img' }, [
    title(`${headline}. ${summary}`),
    element('style', {}, [STYLE]),
    hatching(),
    element('rect', { class: 'page', x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 8 }),
    text(MARGIN, 38, headline, { class: 'headline' }),
    text(right, 38, summary, { class: 'chapter', 'text-anchor': 'end' }),
    ...columns.map((column, i) => chapterHead(column, i, bottom)),
    ...lanes,
    legend(bottom + 26, right),
  ]).replaceAll('><', '>\n<')}\n`;
}

/** @param {import('../timeline.mjs').Lane} lane @param {import('./lane.mjs').Frame} frame */
const heading = (lane, { top, height, right }) =>
  element('line', { class: 'line', x1: MARGIN, x2: right, y1: top, y2: top }) +
  text(MARGIN, top + height / 2 + 2, lane.title, { class: 'lane' }) +
  text(MARGIN, top + height / 2 + 17, lane.subtitle, { class: 'dim' });

/** @param {Column} column @param {number} i @param {number} bottom */
function chapterHead({ chapter, left }, i, bottom) {
  const took = duration(chapter.to - chapter.from);
  return (
    element('line', { class: 'line', x1: left, x2: left, y1: HEAD - 32, y2: bottom }) +
    text(left + 8, HEAD - 22, `${i + 1}  ${chapter.title}`, { class: 'chapter' }) +
    text(left + 8, HEAD - 8, took, { class: 'dim' })
  );
}

const hatching = () =>
  element('defs', {}, [
    element(
      'pattern',
      {
        id: 'hatch',
        width: 9,
        height: 9,
        patternUnits: 'userSpaceOnUse',
        patternTransform: 'rotate(45)',
      },
      [element('line', { class: 'hatch', x1: 0, x2: 0, y1: 0, y2: 9 })],
    ),
  ]);

/** @param {number} y @param {number} right */
function legend(y, right) {
  const items = [
    {
      shape: element('rect', {
        class: 'lane0',
        x: MARGIN,
        y: y - 10,
        width: 14,
        height: 11,
        rx: 1.5,
      }),
      label: 'push: up, by mutations',
      x: MARGIN + 20,
    },
    {
      shape: element('rect', {
        class: 'pull',
        x: MARGIN + 164,
        y: y - 6,
        width: 14,
        height: 7,
        rx: 1.5,
      }),
      label: 'pull: down, by rows',
      x: MARGIN + 184,
    },
    {
      shape: element('rect', {
        class: 'lost',
        x: MARGIN + 306,
        y: y - 10,
        width: 14,
        height: 11,
        rx: 1.5,
      }),
      label: 'done by the server, answer lost',
      x: MARGIN + 326,
    },
  ];
  const drawn = items.map(({ shape, label, x }) => shape + text(x, y, label, { class: 'dim' }));
  const note = 'Measured; each chapter has a time scale of its own.';
  return drawn.join('') + text(right, y, note, { class: 'dim', 'text-anchor': 'end' });
}
