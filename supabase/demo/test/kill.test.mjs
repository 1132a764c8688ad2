// The checker of `make kill`: a history that is right, and what it says of ones that are not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../src/kill/check.mjs';

const key = { id: 'row' };
const made = { title: 'shared a:1', total: 0, tags: ['a:1'] };

/** @param {string} seq @param {any} patch @param {any} [before] */
const update = (seq, patch, before) => ({
  seq,
  op: 'update',
  table: 't',
  key,
  patch,
  before,
  hlc: seq,
});

/** Device a makes a row and counts 2, b sees it and counts 3; a's second push is answered only when it is sent again. */
function history() {
  const first = { seq: '1', op: 'insert', table: 't', key, patch: made, hlc: '1' };
  const mine = update('2', { total: 2, tags: ['a:1', 'a:2'] }, { total: 0, tags: ['a:1'] });
  const theirs = update('1', { total: 3, tags: ['a:1', 'b:1'] }, { total: 0, tags: ['a:1'] });
  const row = (/** @type {any} */ change) => ({
    id: 'row',
    best: 0,
    body: '',
    doc: {},
    ...made,
    ...change,
  });
  const final = row({ total: 5, tags: ['a:1', 'b:1', 'a:2'] });
  return [
    { type: 'invoke', fn: 'push', process: 'a', mutations: [first] },
    {
      type: 'ok',
      fn: 'push',
      process: 'a',
      results: [{ seq: '1', status: 'applied', version: '1' }],
    },
    { type: 'ok', fn: 'pull', process: 'b', upserts: [{ version: '1', row: row({}) }] },
    { type: 'invoke', fn: 'push', process: 'a', mutations: [mine] },
    { type: 'unknown', fn: 'push', process: 'a' },
    { type: 'kill', target: 'backend' },
    { type: 'invoke', fn: 'push', process: 'b', mutations: [theirs] },
    {
      type: 'ok',
      fn: 'push',
      process: 'b',
      results: [{ seq: '1', status: 'merged', version: '3' }],
    },
    { type: 'invoke', fn: 'push', process: 'a', mutations: [mine] },
    {
      type: 'ok',
      fn: 'push',
      process: 'a',
      results: [{ seq: '2', status: 'duplicate', was: 'applied' }],
    },
    { type: 'ok', fn: 'pull', process: 'a', upserts: [{ version: '3', row: final }] },
    { type: 'final', process: 'a', rows: [final] },
    { type: 'final', process: 'b', rows: [final] },
    { type: 'final', process: 'server', rows: [final] },
    { type: 'log', entries: [] },
    { type: 'writes', entries: [{ process: 'a', seq: '2', times: 1 }] },
  ];
}

/** What the checker says after a change to the history. @param {(events: any[]) => void} change */
function found(change) {
  const events = JSON.parse(JSON.stringify(history()));
  change(events);
  return [...new Set(check(events).map(({ check: of }) => of))];
}

/** @param {any[]} events @param {(row: any) => void} change */
function everywhere(events, change) {
  for (const { type, rows } of events) if (type === 'final') rows.forEach(change);
}

test('a right history has no findings', () => {
  assert.deepEqual(check(history()), []);
});

test('an edit that was acknowledged and is gone', () => {
  const findings = found((events) =>
    everywhere(events, (row) => {
      row.tags = ['a:1', 'a:2'];
    }),
  );
  assert.ok(findings.includes('lost'), String(findings));
});

test('an increment that was done twice', () => {
  const findings = found((events) =>
    everywhere(events, (row) => {
      row.total = 7;
    }),
  );
  assert.deepEqual(findings, ['exactly_once']);
});

test('a mutation that stands in the server’s history twice', () => {
  const findings = found((events) => {
    events.at(-1).entries[0].times = 2;
  });
  assert.deepEqual(findings, ['exactly_once']);
});

test('a repetition that is applied again', () => {
  const findings = found((events) => {
    events[9].results = [{ seq: '2', status: 'applied', version: '4' }];
    events.splice(10, 0, structuredClone(events[9]));
  });
  assert.ok(findings.includes('exactly_once'), String(findings));
});

test('an edit that is seen without what its device had seen', () => {
  const findings = found((events) => {
    events[10].upserts[0].row.tags = ['b:1', 'a:2'];
  });
  assert.deepEqual(findings, ['causal_order']);
});

test('a view that goes back', () => {
  const findings = found((events) => {
    events.splice(11, 0, structuredClone(events[2]));
    events[11].process = 'a';
  });
  assert.deepEqual(findings, ['causal_order']);
});

test('a device that ends with something else', () => {
  const findings = found((events) => {
    events[12].rows[0].title = 'another';
  });
  assert.deepEqual(findings, ['convergence']);
});

test('a mutation that never got a verdict', () => {
  assert.deepEqual(
    found((events) => events.splice(9, 1)),
    ['lost'],
  );
});
