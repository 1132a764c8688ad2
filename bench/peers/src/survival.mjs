// Whether an edit is still there.

/**
 * Judges one edit by the row that everybody ended up with.
 *
 * @param {object} expectation what must be seen for the edit to have survived
 * @param {object | null} row the row afterwards
 * @param {object | null} before the row when the round began
 */
export function holds(expectation, row, before) {
  if (expectation.is === 'gone') return row === null;
  if (row === null) return false;
  const value = row[expectation.column];
  switch (expectation.is) {
    case 'value':
      return JSON.stringify(value) === JSON.stringify(expectation.value);
    case 'words':
      return value.includes(expectation.value.trim());
    case 'no words':
      return !words(value).includes(expectation.value);
    case 'added': {
      // Increments of a row in a round are distinct powers of two, so the sum tells which of them it has.
      const sum = value - before[expectation.column];
      return sum >= 0 && Math.floor(sum / expectation.value) % 2 === 1;
    }
    case 'member':
      return value.includes(expectation.value);
    case 'no member':
      return !value.includes(expectation.value);
    case 'leaf':
      return leaf(value, expectation.path) === expectation.value;
    case 'no leaf':
      return leaf(value, expectation.path) === undefined;
    default:
      throw new Error(`an unknown expectation: ${expectation.is}`);
  }
}

/** Words of a text, in one string that a phrase can be looked up in. */
function words(text) {
  return ` ${text.split(/\s+/).join(' ')} `;
}

function leaf(value, path) {
  return path.reduce((object, key) => object?.[key], value);
}

/**
 * Counts the edits of a round that survived, and those that could have: of several edits that exclude each other
 * (`slot`) one can.
 */
export function tally(edits, rowAfter, rowBefore) {
  const slots = new Map();
  for (const edit of edits) {
    for (const [index, expectation] of edit.expect.entries()) {
      const slot = edit.slot ?? `${edit.id}/${index}`;
      const survived = holds(expectation, rowAfter(edit.row), rowBefore(edit.row));
      slots.set(slot, (slots.get(slot) ?? false) || survived);
    }
  }
  return {
    survived: [...slots.values()].filter(Boolean).length,
    possible: slots.size,
    lost: [...slots].filter(([, survived]) => !survived).map(([slot]) => slot),
  };
}
