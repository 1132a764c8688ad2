import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareWithExpected, findDifferent, rowsOfTeam, textOf } from '../src/verify/rows.mjs';
import { lines } from './support.mjs';

const NOTE = { id: 'n', title: 'Fern', likes: 17, updated_at: '2026-01-05T09:00:00+00:00' };

/** @param {Record<string, unknown>} [change] */
const rows = (change = {}) => new Map([['note/n', { ...NOTE, ...change }]]);

/** @returns {Map<string, import('../src/verify/expected.mjs').ExpectedRow>} */
function expected() {
  const columns = new Map(
    Object.entries({
      id: ['n'],
      title: ['Fern'],
      likes: [17],
      updated_at: ['2026-01-05T09:00:00.000Z'],
    }),
  );
  return new Map([
    ['note/n', { id: 'note/n', key: { id: 'n' }, columns, counters: new Set(['likes']) }],
  ]);
}

describe('comparing the database with what the edits add up to', () => {
  it('finds nothing when they agree, whatever the spelling of a time', () => {
    assert.deepEqual(compareWithExpected(expected(), rows()), { lost: [], duplicated: [] });
  });

  it('finds a lost row', () => {
    const { lost, duplicated } = compareWithExpected(expected(), new Map());
    assert.deepEqual(lines(lost), ['note/n: the row is missing']);
    assert.deepEqual(duplicated, []);
  });

  it('finds a row that came twice under another key', () => {
    const twice = rows().set('note/m', { ...NOTE, id: 'm' });
    const { lost, duplicated } = compareWithExpected(expected(), twice);
    assert.deepEqual(lines(duplicated), ['note/m: a row that no edit explains']);
    assert.deepEqual(lost, []);
  });

  it('finds a like that was lost', () => {
    const { lost, duplicated } = compareWithExpected(expected(), rows({ likes: 16 }));
    assert.deepEqual(lines(lost), ['note/n: likes is 16, not [17]']);
    assert.deepEqual(duplicated, []);
  });

  it('finds a like that was counted twice', () => {
    const { lost, duplicated } = compareWithExpected(expected(), rows({ likes: 20 }));
    assert.deepEqual(lines(duplicated), ['note/n: likes is 20, not [17]']);
    assert.deepEqual(lost, []);
  });

  it('finds an overwritten title', () => {
    const { lost } = compareWithExpected(expected(), rows({ title: 'Moss' }));
    assert.deepEqual(lines(lost), ['note/n: title is "Moss", not ["Fern"]']);
  });
});

describe('comparing sides', () => {
  it('finds nothing when all bytes are the same, whatever the order of columns', () => {
    const reversed = new Map([['note/n', Object.fromEntries(Object.entries(NOTE).reverse())]]);
    assert.deepEqual(findDifferent('laptop', rows(), 'the REST API', reversed), []);
    assert.equal(textOf(NOTE), textOf(/** @type {any} */ (reversed.get('note/n'))));
  });

  it('finds a diverged value, and names both', () => {
    const [line] = lines(findDifferent('laptop', rows(), 'tablet', rows({ likes: 18 })));
    assert.equal(line, 'note/n: laptop and tablet have likes 17 and 18');
  });

  it('finds a number that became a text, and a time in another spelling', () => {
    assert.equal(findDifferent('a', rows(), 'b', rows({ likes: '17' })).length, 1);
    assert.equal(
      findDifferent('a', rows(), 'b', rows({ updated_at: '2026-01-05T09:00:00Z' })).length,
      1,
    );
  });

  it('finds a column that only one side has', () => {
    assert.equal(findDifferent('a', rows(), 'b', rows({ status: 'draft' })).length, 1);
  });

  it('finds rows that only one side has', () => {
    const none = new Map();
    assert.deepEqual(lines(findDifferent('a', rows(), 'b', none)), ['note/n: on a, but not on b']);
    assert.deepEqual(lines(findDifferent('a', none, 'b', rows())), ['note/n: not on a, but on b']);
  });

  it('finds everything of a team that was lost: the team, its members and its rows', () => {
    /** @type {[string, import('../src/tables.mjs').JsonRow][]} */
    const left = [
      ['team/t', { id: 't' }],
      ['team_member/t/u', { team_id: 't', user_id: 'u' }],
      ['note/n', { id: 'n', team_id: 't' }],
      ['note/o', { id: 'o', team_id: 'other' }],
    ];
    assert.deepEqual(rowsOfTeam(new Map(left), 't'), ['team/t', 'team_member/t/u', 'note/n']);
  });
});
