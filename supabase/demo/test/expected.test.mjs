import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expectedRows } from '../src/verify/expected.mjs';
import { fact, NOTE_POLICY } from './support.mjs';

/**
 * @typedef {import('../src/verify/facts.mjs').Fact} Fact
 * @typedef {import('../src/tables.mjs').JsonRow} JsonRow
 */

const BASE = { id: 'n', title: 'Old', body: 'Old', likes: 10, status: 'draft', grade: null };

/**
 * Acceptable values of note `n`, or undefined when it is to be gone.
 *
 * @param {Fact[]} facts
 * @param {{ base?: Record<string, JsonRow>, resolutions?: any[], row?: string }} [options]
 */
function expected(facts, { base = { 'note/n': BASE }, resolutions = [], row = 'note/n' } = {}) {
  const rows = new Map(Object.entries(base));
  const given = { base: rows, facts, policies: NOTE_POLICY, resolutions };
  const columns = expectedRows(given).get(row)?.columns;
  return columns && Object.fromEntries(columns);
}

const titled = (/** @type {string} */ title, /** @type {Partial<Fact>} */ change) =>
  fact({ ...change, edit: { patch: { title } } });

describe('what rows must be', () => {
  it('is the base where nobody edited', () => {
    assert.deepEqual(expected([])?.title, ['Old']);
  });

  it('is the latest title by clock, whatever the order of arrival', () => {
    const edits = [titled('B', { device: 'tablet', hlc: 20n }), titled('A', { hlc: 10n })];
    assert.deepEqual(expected(edits)?.title, ['B']);
    assert.deepEqual(expected(edits.reverse())?.title, ['B']);
  });

  it('leaves columns alone that nobody edited', () => {
    assert.deepEqual(expected([titled('A', {})])?.body, ['Old']);
  });

  it('is not changed by what was refused, nor by what was in the base', () => {
    const edits = [titled('A', { verdict: 'rejected' }), titled('B', { isInBase: true })];
    assert.deepEqual(expected(edits)?.title, ['Old']);
  });

  it('adds up what was counted', () => {
    const edits = [3, 4].map((by, i) =>
      fact({ seq: i + 1, sent: { likes: 99 }, edit: { add: { likes: by } } }),
    );
    assert.deepEqual(expected(edits)?.likes, [17]);
  });

  it('accepts the last value of each device where the order of arrival decides', () => {
    const edits = ['x', 'y'].map((status, i) => fact({ seq: i + 1, edit: { patch: { status } } }));
    const other = fact({ device: 'tablet', edit: { patch: { status: 'z' } } });
    assert.deepEqual(expected([...edits, other])?.status, ['y', 'z']);
  });

  it('takes the best score and the first answer', () => {
    const id = 'quiz_answer/u/1';
    const answers = [
      { score: 40, answered_at: '2026-01-05T09:00:00.000Z' },
      { score: 70, answered_at: '2026-01-05T10:00:00+00:00' },
    ].map((patch, i) => {
      const edit = {
        op: /** @type {const} */ ('upsert'),
        table: /** @type {const} */ ('quiz_answer'),
      };
      return fact({ device: `d${i}`, edit: { ...edit, key: { user_id: 'u', quiz_id: 1 }, patch } });
    });
    const row = expected(answers, { row: id });
    assert.deepEqual(row?.score, [70]);
    assert.deepEqual(row?.answered_at, ['2026-01-05T09:00:00.000Z']);
    assert.deepEqual(row?.quiz_id, [1]);
  });

  it('is what a person decided', () => {
    const edits = [5, 2].map((grade, i) => fact({ device: `d${i}`, edit: { patch: { grade } } }));
    assert.deepEqual(expected(edits)?.grade, [5, 2]);
    const resolutions = [{ rowId: 'note/n', column: 'grade', value: 4 }];
    assert.deepEqual(expected(edits, { resolutions })?.grade, [4]);
  });

  it('is nothing where the row was deleted, and its tasks are gone, too', () => {
    const base = { 'note/n': BASE, 'team_task/t': { id: 't', note_id: 'n', title: 'Task' } };
    const deletion = fact({ edit: { op: 'delete' } });
    assert.equal(expected([deletion], { base }), undefined);
    assert.equal(expected([deletion], { base, row: 'team_task/t' }), undefined);
  });

  it('is the edited row where somebody deleted and somebody else edited', () => {
    const deletion = fact({ device: 'tablet', hlc: 99n, edit: { op: 'delete' } });
    assert.deepEqual(expected([deletion, titled('Kept', {})])?.title, ['Kept']);
  });

  it('refuses to judge a policy that it does not know', () => {
    const policies = { note: { default: 'text' } };
    const given = { base: new Map([['note/n', BASE]]), facts: [titled('A', {})], resolutions: [] };
    assert.throws(() => expectedRows({ ...given, policies }), /does not know the policy text/);
  });
});
