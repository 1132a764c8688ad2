// The conflicts. A workload is rows, devices with clocks that are wrong by so much, and rounds; in a round all devices edit
// without a network, then come back in the order of `arrival`. Everything follows from the seed.

import { Random } from './random.mjs';

const LINES = 4;
const WORDS_A_LINE = 8;
const DAY = 86_400_000;

/** All workloads of a seed, each of so many rows. */
export function workloads(seed, rows) {
  return Object.entries(KINDS).map(([name, { what, devices, skew, rounds, edits }], index) => {
    const random = new Random(seed * 1000 + index);
    const state = Array.from({ length: rows }, () => newRow(random));
    const workload = {
      name,
      what,
      rows: state.map(({ row }) => row),
      skew: skew ?? Array(devices).fill(0),
      rounds: [],
    };
    for (let round = 0; round < (rounds ?? 1); round++) {
      const list = [];
      for (const item of state) {
        const add = adder(list, item.row.id, `${name}/${round}/${list.length}`);
        edits(item, random, add, { round, last: round + 1 === (rounds ?? 1) });
      }
      const arrival = random.shuffled([...Array(devices).keys()]);
      workload.rounds.push({ arrival, edits: list });
    }
    return workload;
  });
}

function adder(list, row, prefix) {
  return (device, operation, expect, slot = null) => {
    list.push({
      id: `${prefix}/${list.length}`,
      row,
      device,
      operation,
      expect,
      slot: slot && `${prefix}/${slot}`,
    });
  };
}

/** A row, and the words of its text that nobody has touched. */
function newRow(random) {
  const lines = Array.from({ length: LINES }, () =>
    Array.from({ length: WORDS_A_LINE }, () => word(random, 'w')),
  );
  const row = {
    id: random.uuid(),
    title: word(random, 'title'),
    status: word(random, 'status'),
    place: word(random, 'place'),
    owner_note: word(random, 'note'),
    body: lines.map((line) => line.join(' ')).join('\n'),
    likes: random.below(100),
    tags: ['red', 'green', 'blue', 'old', 'new', 'draft'],
    settings: {
      view: { theme: 'light', font: { size: 12, face: 'serif' }, zoom: 1 },
      mail: { daily: true, weekly: false, to: { me: true, team: false } },
      sound: 'on',
      locale: 'de',
    },
  };
  return { row, lines, tags: [...row.tags], leaves: leavesOf(row.settings, []) };
}

function word(random, prefix) {
  return prefix + random.below(2 ** 31).toString(36);
}

function leavesOf(object, path) {
  return Object.entries(object).flatMap(([key, value]) =>
    typeof value === 'object' ? leavesOf(value, [...path, key]) : [[...path, key]],
  );
}

const SCALARS = ['title', 'status', 'place', 'owner_note'];

function setColumn(add, device, column, random, slot = null) {
  const value = word(random, column);
  add(
    device,
    { op: 'set', column, value },
    [{ is: 'value', column, value }],
    slot && `${slot}/${column}`,
  );
}

/** Replaces words, or puts some behind one. */
function editWords(add, device, found, keep, random) {
  const typed = Array.from({ length: 1 + random.below(2) }, () => word(random, 'n')).join(' ');
  const find = found.join(' ');
  const to = keep ? `${find} ${typed}` : typed;
  const expect = [{ is: 'words', column: 'body', value: ` ${typed} ` }];
  if (!keep)
    for (const old of found) expect.push({ is: 'no words', column: 'body', value: ` ${old} ` });
  add(device, { op: 'replace', column: 'body', find, to }, expect);
}

/** Takes words out of what is untouched, one device a place, at least a word between places. */
function takeWords(item, random, places) {
  const line = item.lines.map((words, index) => ({ index, words })).filter((l) => l.words.length > 0);
  return random
    .shuffled(line)
    .slice(0, places)
    .map(({ index, words }) => {
      item.lines[index] = words.slice(2);
      return words.slice(0, 1);
    });
}

function addTo(add, device, by) {
  add(device, { op: 'add', column: 'likes', by }, [{ is: 'added', column: 'likes', value: by }]);
}

function editTag(add, device, item, random) {
  if (item.tags.length > 0 && random.oneIn(2)) {
    const value = item.tags.splice(random.below(item.tags.length), 1)[0];
    add(device, { op: 'untag', column: 'tags', value }, [{ is: 'no member', column: 'tags', value }]);
    return;
  }
  const value = word(random, 'tag');
  add(device, { op: 'tag', column: 'tags', value }, [{ is: 'member', column: 'tags', value }]);
}

function editLeaf(add, device, item, random) {
  if (item.leaves.length === 0) return;
  const path = item.leaves.splice(random.below(item.leaves.length), 1)[0];
  if (random.oneIn(4)) {
    add(device, { op: 'drop', column: 'settings', path }, [{ is: 'no leaf', column: 'settings', path }]);
    return;
  }
  const to = random.oneIn(3) ? [...path.slice(0, -1), word(random, 'key')] : path;
  const value = word(random, 'v');
  add(device, { op: 'put', column: 'settings', path: to, value }, [
    { is: 'leaf', column: 'settings', path: to, value },
  ]);
}

const KINDS = {
  columns: {
    what: 'two devices, different columns of a row',
    devices: 2,
    edits(_item, random, add) {
      const [mine, yours, either] = random.shuffled(SCALARS);
      setColumn(add, 0, mine, random);
      setColumn(add, 1, yours, random);
      if (random.oneIn(2)) setColumn(add, random.below(2), either, random);
    },
  },
  text_apart: {
    what: 'two devices, the same text, different places',
    devices: 2,
    edits(item, random, add) {
      if (random.oneIn(2)) {
        const places = takeWords(item, random, 2 + random.below(2));
        for (const [index, found] of places.entries())
          editWords(add, index % 2, found, random.oneIn(2), random);
        return;
      }
      // The same line: three words or more between the places.
      const line = random.of(item.lines);
      editWords(add, 0, line.slice(1, 2 + random.below(2)), random.oneIn(2), random);
      editWords(add, 1, line.slice(6, 7 + random.below(2)), random.oneIn(2), random);
    },
  },
  text_typed: {
    what: 'two devices, the same text, overlapping places: words that were typed',
    devices: 2,
    edits: (item, random, add) => overlapping(item, random, add, 'words'),
  },
  text_removed: {
    what: 'the same overlapping places: words that were removed',
    devices: 2,
    edits: (item, random, add) => overlapping(item, random, add, 'no words'),
  },
  counters: {
    what: 'three devices, increments of a counter',
    devices: 3,
    edits(_item, random, add) {
      let by = 1;
      for (let device = 0; device < 3; device++) {
        for (let n = 1 + random.below(3); n > 0; n--) {
          addTo(add, device, by);
          by *= 2;
        }
      }
    },
  },
  sets: {
    what: 'three devices, tags added and removed',
    devices: 3,
    edits: (item, random, add) => onceOrTwice(item, random, add, editTag),
  },
  json: {
    what: 'three devices, different keys of a nested JSON column',
    devices: 3,
    edits: (item, random, add) => onceOrTwice(item, random, add, editLeaf),
  },
  deletion: {
    what: 'an edit against a deletion (the edit counts), and deletions that nobody contests',
    devices: 2,
    edits(_item, random, add) {
      const deleter = random.below(2);
      if (random.oneIn(4)) {
        add(deleter, { op: 'delete' }, [{ is: 'gone' }]);
        return;
      }
      setColumn(add, 1 - deleter, random.of(SCALARS), random);
      add(deleter, { op: 'delete' }, []);
    },
  },
  mixed: {
    what: 'five devices, three rounds of everything above, clocks from 1970 to 2099',
    devices: 5,
    rounds: 3,
    skew: [0, Date.UTC(2099, 0) - Date.UTC(2026, 0), -Date.UTC(2026, 0), 600_000, -DAY],
    edits(item, random, add, { round, last }) {
      const devices = random.shuffled([0, 1, 2, 3, 4]);
      if (last && random.oneIn(10)) {
        setColumn(add, devices[0], random.of(SCALARS), random);
        add(devices[1], { op: 'delete' }, []);
        return;
      }
      const [same, first, second] = random.shuffled(SCALARS);
      if (round % 2 === 0) {
        // Of two values of one column one can stay.
        setColumn(add, devices[0], same, random, 'same');
        setColumn(add, devices[1], same, random, 'same');
      } else {
        // Seen by everybody before: nobody else touches it now, so it must stay, whatever the clock says.
        setColumn(add, devices[0], same, random);
      }
      setColumn(add, devices[1], first, random);
      setColumn(add, devices[2], second, random);
      for (const [index, found] of takeWords(item, random, 2).entries())
        editWords(add, devices[index + 2], found, random.oneIn(2), random);
      addTo(add, devices[0], 1);
      addTo(add, devices[3], 2);
      addTo(add, devices[4], 4);
      editTag(add, devices[4], item, random);
      editTag(add, devices[0], item, random);
      editLeaf(add, devices[1], item, random);
      editLeaf(add, devices[3], item, random);
    },
  },
};

/** One or two edits of each of three devices. */
function onceOrTwice(item, random, add, edit) {
  for (let device = 0; device < 3; device++)
    for (let n = 1 + random.below(2); n > 0; n--) edit(add, device, item, random);
}

function overlapping(item, random, add, is) {
  const line = random.of(item.lines);
  const start = 1 + random.below(2);
  const length = 2 + random.below(2);
  const edits = [
    [0, line.slice(start, start + length)],
    [1, line.slice(start + 1, start + 1 + length)],
  ];
  for (const [device, found] of edits) {
    const keep = (_, operation, expect) =>
      add(
        device,
        operation,
        expect.filter((expectation) => expectation.is === is),
      );
    editWords(keep, device, found, false, random);
  }
}
