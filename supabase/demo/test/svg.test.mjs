import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { element } from '../src/svg/element.mjs';
import { placeLabels } from '../src/svg/labels.mjs';
import { renderTimeline } from '../src/svg/render.mjs';
import { columnsOf, scaleOf } from '../src/svg/scale.mjs';

const CHAPTERS = [
  { title: 'Together', from: 0, to: 100 },
  { title: 'Offline', from: 100, to: 200 },
  { title: 'Back online', from: 200, to: 5_000 },
];

const WORDS = { headline: 'A & B <met>', summary: 'all is well' };

/** @returns {import('../src/timeline.mjs').TimelineData} */
const story = () => ({
  chapters: CHAPTERS,
  lanes: [
    { id: 'laptop', title: 'laptop', subtitle: 'Ada' },
    { id: 'server', title: 'server', subtitle: 'Postgres' },
  ],
  offline: [{ lane: 'laptop', from: 100, to: 200, label: '2,700 edits' }],
  exchanges: [
    {
      lane: 'laptop',
      kind: 'push',
      from: 210,
      to: 400,
      rows: 1_000,
      lost: true,
      verdicts: new Set(),
      revoked: false,
    },
    {
      lane: 'laptop',
      kind: 'push',
      from: 500,
      to: 520,
      rows: 1_000,
      lost: false,
      verdicts: new Set(),
      revoked: false,
    },
    {
      lane: 'laptop',
      kind: 'pull',
      from: 600,
      to: 900,
      rows: 10,
      lost: false,
      verdicts: new Set(),
      revoked: true,
    },
  ],
  marks: [
    { lane: 'laptop', kind: 'eviction', at: 900, label: '123 rows evicted' },
    { lane: 'server', kind: 'locked out', at: 190, label: 'Ben loses the archive' },
  ],
});

/** @param {string} svg @param {string} className */
const countOf = (svg, className) => svg.split(`class="${className}"`).length - 1;

describe('the picture', () => {
  it('is one well-formed document that depends on nothing outside', () => {
    const svg = renderTimeline(story(), WORDS);
    /** @type {string[]} */
    const open = [];
    for (const [, slash, name, empty] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/gi)) {
      if (slash) assert.equal(open.pop(), name);
      else if (!empty) open.push(name);
    }
    assert.deepEqual(open, []);
    assert.doesNotMatch(svg, /href|<script|<image|NaN|undefined/);
  });

  it('shows each exchange, offline period and mark', () => {
    const svg = renderTimeline(story(), WORDS);
    // Each push is drawn for its device and for the server; one lane0 is the legend's.
    assert.equal(countOf(svg, 'lane0'), 1 + 2 + 1);
    assert.equal(countOf(svg, 'pull'), 1 + 1);
    assert.equal(countOf(svg, 'lost'), 1 + 1);
    assert.equal(countOf(svg, 'offline'), 1);
    for (const text of [
      'offline: 2,700 edits',
      '123 rows evicted',
      'Ben loses the archive',
      'answer lost',
    ]) {
      assert.ok(svg.includes(`>${text}<`), text);
    }
  });

  it('has colours of its own for dark pages, and words for those who do not see it', () => {
    const svg = renderTimeline(story(), WORDS);
    assert.match(svg, /prefers-color-scheme: dark/);
    assert.match(svg, /role="img"/);
    assert.ok(svg.includes('<title>A &amp; B &lt;met&gt;. all is well</title>'));
  });

  it('escapes what comes from outside', () => {
    assert.equal(element('a', { b: '"<&>"' }, []), '<a b="&quot;&lt;&amp;&gt;&quot;"></a>');
  });
});

describe('from time to place', () => {
  const columns = columnsOf(CHAPTERS, 100, 900);
  const scale = scaleOf(columns);

  it('fills the width with the chapters in order', () => {
    assert.equal(columns[0].left, 100);
    assert.ok(Math.abs(columns[2].right - 1_000) < 1e-9);
    assert.ok(columns.every(({ left, right }) => right - left >= 100));
  });

  it('keeps moments in order and inside their chapter', () => {
    assert.equal(scale(0), columns[0].left);
    assert.equal(scale(100), columns[1].left);
    assert.ok(scale(150) > scale(101));
    assert.ok(Math.abs(scale(5_000) - columns[2].right) < 1e-9);
    assert.ok(scale(9_999) <= columns[2].right);
  });

  it('gives a long chapter more room than a short one', () => {
    const [short, , long] = columns.map(({ left, right }) => right - left);
    assert.ok(long > short);
  });
});

describe('labels', () => {
  const label = (/** @type {number} */ x, text = 'a label') => ({ x, text, left: 0, right: 400 });

  it('stand beside what they belong to where there is room', () => {
    assert.deepEqual(placeLabels([label(10)], 2), [{ row: 0, anchor: 'start' }]);
    assert.deepEqual(placeLabels([label(390)], 2), [{ row: 0, anchor: 'end' }]);
  });

  it('do not cover each other', () => {
    const start = /** @type {const} */ ('start');
    assert.deepEqual(placeLabels([label(100), label(110), label(300)], 2), [
      { row: 0, anchor: start },
      { row: 1, anchor: start },
      { row: 0, anchor: start },
    ]);
  });
});
