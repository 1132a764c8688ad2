import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../src/client.mjs';
import { EDITS_MIN, planSteps, shareOut } from '../src/plan/plan.mjs';
import { IMPOSSIBLE_SCORE } from '../src/plan/turns.mjs';
import { makeWorld } from '../src/plan/world.mjs';
import { rowId } from '../src/tables.mjs';

const { world, rows } = makeWorld({ trip: 'trip', archive: 'archive' }, 'ada');

const DEVICES = /** @type {const} */ (['laptop', 'phone', 'tablet']);

/** @param {typeof DEVICES[number]} device @param {number} edits */
const planned = (device, edits) =>
  planSteps({ device, userId: 'somebody', world, random: seededRandom(7) }, edits);

describe('the plan of offline edits', () => {
  it('comes to exactly the number of edits that was asked for', () => {
    for (const edits of [EDITS_MIN, 1_501, 6_000]) {
      const shares = shareOut(edits);
      const made = DEVICES.map((device) => planned(device, shares[device]).flat().length);
      assert.equal(
        made.reduce((sum, count) => sum + count),
        edits,
      );
    }
  });

  it('never writes the same value twice, so that each edit leaves a trace of its own', () => {
    const edits = DEVICES.flatMap((device) => planned(device, 2_000).flat());
    const written = edits
      .filter(({ op, kind, add }) => op === 'update' && kind !== 'grades' && !add)
      .map(
        ({ table, key, patch }) =>
          `${rowId(table, key)} ${patch.title ?? patch.body ?? patch.status}`,
      );
    assert.equal(new Set(written).size, written.length);
  });

  it('makes a child only after its parent', () => {
    const known = new Set(rows.note.map(({ id }) => id));
    for (const edit of planned('tablet', 2_000).flat()) {
      if (edit.kind === 'new notes') known.add(edit.key.id);
      if (edit.kind === 'new tasks') assert.ok(known.has(edit.patch.note_id));
    }
  });

  it('has every turn of the story', () => {
    const tablet = planned('tablet', 1_000).flat();
    assert.equal(tablet.filter(({ patch }) => patch.score === IMPOSSIBLE_SCORE).length, 1);
    assert.ok(tablet.some(({ key }) => world.archived.includes(String(key.id))));
    const laptop = planned('laptop', 1_000);
    assert.ok(
      laptop.some((step) => step.length > 1),
      'atomic batches',
    );
    for (const id of world.duels) {
      assert.ok(laptop.flat().some(({ op, key }) => op === 'delete' && key.id === id));
      assert.ok(tablet.some(({ op, key }) => op === 'update' && key.id === id));
    }
    for (const id of world.graded) {
      const grades = [laptop.flat(), tablet].map(
        (edits) => edits.find(({ kind, key }) => kind === 'grades' && key.id === id)?.patch.grade,
      );
      assert.notEqual(grades[0], grades[1]);
    }
  });

  it('keeps away from deleted notes whose children nobody can save', () => {
    const edits = DEVICES.flatMap((device) => planned(device, 2_000).flat());
    const touched = edits.filter(({ key, patch }) =>
      [key.id, patch.note_id].some((id) => world.doomed.includes(String(id))),
    );
    assert.deepEqual(new Set(touched.map(({ op }) => op)), new Set(['delete']));
  });
});
