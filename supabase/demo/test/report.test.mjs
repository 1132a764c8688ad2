import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { figure } from '../src/evidence/row.mjs';
import { count, duration, Narrator, number, tally, wrapped } from '../src/report/narrator.mjs';
import { renderTable } from '../src/report/table.mjs';

describe('the table', () => {
  it('has a row for everything that was promised', () => {
    const lines = renderTable({
      sent: 6_041,
      applied: 2_824,
      merged: 3_172,
      conflicts: 4,
      rejected: 41,
      lost: 0,
      duplicated: 0,
      evicted: 123,
      converged: 3,
      devices: 3,
      seconds: 4.94,
      rowsPerSecond: 1_214.6,
    });
    assert.deepEqual(
      lines.map((line) => line.trim().split(/\s{2,}/)),
      [
        ['mutations sent', '6,041'],
        ['applied', '2,824'],
        ['merged', '3,172'],
        ['conflicts', '4'],
        ['rejected', '41'],
        ['lost', '0'],
        ['duplicated', '0'],
        ['rows evicted', '123'],
        ['devices converged', '3/3'],
        ['seconds', '4.9'],
        ['rows a second', '1,215'],
      ],
    );
  });
});

describe('the narrator', () => {
  it('numbers chapters, and keeps details to itself unless asked', () => {
    /** @type {string[]} */
    const told = [];
    const write = (/** @type {string} */ line) => told.push(line.trim());
    for (const verbose of [false, true]) {
      const narrator = new Narrator({ verbose, colour: false, write });
      narrator.chapter('Together');
      narrator.chapter('Offline');
      narrator.detail('a detail');
    }
    assert.deepEqual(told, [
      '1  Together',
      '2  Offline',
      '1  Together',
      '2  Offline',
      '· a detail',
    ]);
  });

  it('breaks long lines between words, and leaves long words whole', () => {
    assert.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapped('extraordinary', 7), ['extraordinary']);
  });

  it('speaks of numbers as people do', () => {
    assert.equal(number(12_345.4), '12,345');
    assert.equal(count(1, 'row'), '1 row');
    assert.equal(count(2_000, 'row'), '2,000 rows');
    assert.equal(duration(340.4), '340 ms');
    assert.equal(duration(2_345), '2.3 s');
    assert.equal(tally(['a', 'b', 'b']), '2\u00a0b, 1\u00a0a');
  });
});

describe('figures', () => {
  it('are medians, with the spread of the middle half', () => {
    assert.deepEqual(figure([1, 2, 3, 4, 5]), { median: 3, spread: 2 / 3 });
    assert.deepEqual(figure([7]), { median: 7, spread: 0 });
  });
});
