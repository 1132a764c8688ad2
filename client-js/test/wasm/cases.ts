/** One case for each function that the core offers here, whatever `testdata/vectors` holds; same format. */

import type { Vector } from './vectors.ts';

const device = '0198c5a0-0000-7000-8000-00000000000a';

export const CASES: readonly Vector[] = [
  {
    name: 'browser_counter_adds_both_increments',
    fn: 'decide',
    in: {
      op: 'update',
      policy: '{"columns":{"likes":"counter"}}',
      device,
      now_hlc: '6553600000',
      bound_ms: 60_000,
      key_columns: ['id'],
      mutations: [
        {
          seq: '1',
          key: 'a',
          base: '1',
          hlc: '6553600',
          row: '{"id":"a","likes":12}',
          before: '{"likes":10}',
        },
      ],
      current: ['{"k":"a","r":{"id":"a","likes":13}}'],
      states: [
        '{"key":"a","version":2,"hlc":5,"life":[1,1,null],"clocks":{"likes":[2,5,"0198c5a0-0000-7000-8000-00000000000b"]}}',
      ],
    },
    out: [
      {
        action: 'update',
        status: 'merged',
        version: '2',
        hlc: '6553600',
        row: '{"id":"a","likes":15}',
        columns: { likes: 'merged' },
        contested: [
          '{"column":"likes","base":10,"base_known":true,"mine":12,"theirs":13,"policy":"counter","outcome":"merged"}',
        ],
        return_row: true,
      },
    ],
  },
  {
    name: 'browser_text_keeps_both_sides',
    fn: 'merge_text',
    in: { base: 'one two', mine: 'one 2', theirs: 'one zwei' },
    out: { text: 'one zwei 2', overlap: true },
  },
  { name: 'browser_tick', fn: 'tick', in: { state: '65536', now_ms: 0 }, out: '65537' },
  { name: 'browser_observe', fn: 'observe', in: { state: '1', remote: '131072', now_ms: 1 }, out: '131073' },
  {
    name: 'browser_clamp',
    fn: 'clamp',
    in: { claimed: '9223372036854775807', now_ms: 1, bound_ms: 1 },
    out: { hlc: '196607', skewed: true },
  },
  { name: 'browser_parse_hlc_refuses_signs', fn: 'parse_hlc', in: '+1', out: null },
  {
    name: 'browser_diff_keeps_numbers_as_written',
    fn: 'diff',
    in: { old: '{"n":9007199254740993}', new: '{"n":9007199254740992}' },
    out: { old: '{"n":9007199254740993}', new: '{"n":9007199254740992}', columns: ['n'] },
  },
  {
    name: 'browser_stamp',
    fn: 'stamp',
    in: { columns: ['a'], version: '9007199254740993', hlc: '5' },
    out: '{"a":[9007199254740993,5,null]}',
  },
  {
    name: 'browser_canonical_key',
    fn: 'canonical_key',
    in: { columns: [{ name: 'id', kind: 'int' }], key: '{"id":"007"}' },
    out: '7',
  },
  {
    name: 'browser_canonical_value',
    fn: 'canonical_value',
    in: { form: 'z', value: '"2026-11-20T10:00:00.120Z"' },
    out: '"2026-11-20T10:00:00.12+00:00"',
  },
  { name: 'browser_bad_policy', fn: 'check_policy', in: '{"default":"nonsense"}', error: '22023' },
  {
    name: 'browser_deep_values_are_no_recursion',
    fn: 'diff',
    in: { old: '{"a":DEEP1END}', new: '{}' },
    out: { old: '{"a":DEEP1END}', new: '{}', columns: ['a'] },
    expand: [
      ['DEEP', '[', 100_000],
      ['END', ']', 100_000],
    ],
  },
];
