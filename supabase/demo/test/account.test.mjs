import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findLost, findRepeated, traceId } from '../src/verify/account.mjs';
import { fact, lines, tracesOf } from './support.mjs';

const STORY = [
  fact({ seq: 1, verdict: 'applied' }),
  fact({ seq: 2, verdict: 'merged' }),
  fact({ seq: 3, verdict: 'conflict' }),
  fact({ seq: 4, verdict: 'rejected' }),
  fact({ seq: 1, device: 'tablet', verdict: 'applied' }),
];

const [first] = STORY;
const idOf = (/** @type {typeof first} */ { deviceId, seq }) => traceId(deviceId, seq);

describe('accounting for acknowledged edits', () => {
  it('finds nothing when each edit is applied, merged, in conflict or refused', () => {
    assert.deepEqual(findLost(STORY, tracesOf(STORY)), []);
    assert.deepEqual(findRepeated(STORY, tracesOf(STORY)), []);
  });

  it('finds an edit that the device was told was applied, and that left no trace', () => {
    const traces = tracesOf(STORY);
    traces.written.delete(idOf(first));
    assert.deepEqual(lines(findLost(STORY, traces)), [
      'laptop #1 (update note): applied, but without a trace',
    ]);
  });

  it('takes a decision for a trace: an edit that lost against a later one writes nothing', () => {
    const traces = tracesOf(STORY);
    traces.written.delete(idOf(STORY[1]));
    traces.decided.add(idOf(STORY[1]));
    assert.deepEqual(findLost(STORY, traces), []);
  });

  it('finds a conflict that nobody could ever resolve', () => {
    const traces = tracesOf(STORY);
    traces.decided.delete(idOf(STORY[2]));
    assert.match(lines(findLost(STORY, traces))[0], /laptop #3 .* not recorded/);
  });

  it('finds a rejection whose edit and reason were thrown away', () => {
    const traces = tracesOf(STORY);
    traces.refused.delete(idOf(STORY[3]));
    assert.match(lines(findLost(STORY, traces))[0], /laptop #4 .* not kept/);
  });

  it('finds an edit that never left the device', () => {
    const story = [...STORY, fact({ seq: 5, hlc: null, verdict: null })];
    assert.match(lines(findLost(story, tracesOf(story)))[0], /laptop #5 .* never left/);
  });

  it('finds an edit that was sent, and of which the device heard nothing', () => {
    const story = [...STORY, fact({ seq: 5, verdict: null })];
    assert.match(lines(findLost(story, tracesOf(story)))[0], /laptop #5 .* no verdict/);
  });

  it('finds an edit that the server does not acknowledge any more', () => {
    const traces = tracesOf(STORY);
    traces.acknowledged.set(first.deviceId, 3);
    assert.match(lines(findLost(STORY, traces))[0], /laptop #4 .* not acknowledged/);
  });

  it('finds an edit that was given up on the device without being sent', () => {
    const story = [fact({ verdict: 'discarded' })];
    assert.match(lines(findLost(story, tracesOf(story)))[0], /no verdict \(discarded\)/);
  });

  it('does not ask for a trace of deleting what somebody else had deleted', () => {
    const story = [fact({ edit: { op: 'delete' } })];
    const traces = tracesOf(story);
    traces.written.clear();
    assert.deepEqual(findLost(story, traces), []);
  });

  it('finds an edit that wrote its row twice', () => {
    const traces = tracesOf(STORY);
    traces.written.set(idOf(first), 2);
    assert.deepEqual(lines(findRepeated(STORY, traces)), [
      'laptop #1 (update note): written 2 times',
    ]);
  });
});
