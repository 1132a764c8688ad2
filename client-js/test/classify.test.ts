import { describe, expect, it } from 'vitest';
import { readPullAnswer, readPushAnswer } from '../src/net/answers.ts';
import { type Classified, classify } from '../src/net/classify.ts';

type Row = readonly [what: string, status: number, code: string, Classified['action'], Classified['reason']];

const TABLE: readonly Row[] = [
  ['no network', 0, '', 'retry', 'offline'],
  ['HTML with status 200, which is no JSON', 0, '', 'retry', 'offline'],
  ['a proxy that forbids', 403, '', 'retry', 'offline'],
  ['a captive portal’s 404', 404, '', 'retry', 'offline'],
  ['request timeout', 408, '', 'retry', 'server'],
  ['too early', 425, '', 'retry', 'server'],
  ['too many requests', 429, '', 'retry', 'server'],
  ['bad gateway', 502, '', 'retry', 'server'],
  ['service unavailable', 503, 'PGRST001', 'retry', 'server'],
  ['database unreachable', 503, 'PGRST000', 'retry', 'server'],
  ['schema cache not loaded', 503, 'PGRST002', 'retry', 'server'],
  ['no free connection', 504, 'PGRST003', 'retry', 'server'],
  ['serialization failure', 500, '40001', 'retry', 'server'],
  ['deadlock', 500, '40P01', 'retry', 'server'],
  ['lock timeout', 500, '55P03', 'retry', 'server'],
  ['out of connections', 503, '53300', 'retry', 'server'],
  ['connection failure', 503, '08006', 'retry', 'server'],
  ['internal error', 500, 'XX000', 'retry', 'server'],
  ['a SQLSTATE that the small API does not know', 500, 'SUP', 'retry', 'server'],
  ['statement timeout', 500, '57014', 'retry_smaller', 'server'],
  ['gateway timeout', 504, '', 'retry_smaller', 'server'],
  ['payload too large, by a proxy', 413, '', 'retry_smaller', 'server'],
  ['batch over the limits', 413, 'PT413', 'retry_smaller', 'server'],
  ['gap in the numbering', 409, 'PT409', 'seq_gap', 'server'],
  ['token expired', 401, 'PGRST303', 'pause', 'auth'],
  ['token unreadable', 401, 'PGRST301', 'pause', 'auth'],
  ['anonymous not allowed', 401, 'PGRST302', 'pause', 'auth'],
  ['unauthorized, by a proxy', 401, '', 'pause', 'auth'],
  ['token too old for a table', 401, 'PT401', 'pause', 'auth'],
  ['tampered batch', 403, 'PT403', 'pause', 'server'],
  ['unknown, revoked or foreign device', 403, '42501', 'register', 'server'],
  ['function not found', 404, 'PGRST202', 'pause', 'server'],
  ['schema not exposed', 406, 'PGRST106', 'pause', 'server'],
  ['undefined function', 404, '42883', 'pause', 'server'],
  ['undefined table', 404, '42P01', 'pause', 'server'],
  ['not in the protocol', 400, '22023', 'bisect', 'server'],
  ['no valid text', 400, '22P02', 'bisect', 'server'],
  ['body is no JSON', 400, 'PGRST102', 'bisect', 'server'],
];

describe('a failed call', () => {
  it.each(TABLE)('%s (%i %s): %s, %s', (_what, status, code, action, reason) => {
    expect(classify({ status, code })).toMatchObject({ action, reason });
  });

  it('says what kind of sign-in is missing', () => {
    expect(classify({ status: 401, code: 'PGRST303' }).code).toBe('auth_required');
    expect(classify({ status: 401, code: 'PT401' }).code).toBe('step_up_required');
  });
});

describe('an answer', () => {
  const push = {
    epoch: 'e',
    server_now: '2026-01-01T00:00:00Z',
    server_hlc: '1',
    acked_seq: '0',
    results: [],
  };

  it.each([null, 'text', 42, {}, { ok: true }, { login: 'https://portal.example' }])(
    'that a captive portal could give is not ours: %j',
    (data) => {
      expect(() => readPushAnswer(data)).toThrow(expect.objectContaining({ reason: 'offline' }));
      expect(() => readPullAnswer(data)).toThrow(expect.objectContaining({ reason: 'offline' }));
    },
  );

  it.each([
    { results: 'none' },
    { results: [{ seq: '1' }] },
    { results: [{ seq: '1', status: 'perhaps' }] },
    { results: [{ seq: 'first', status: 'applied' }] },
    { results: [{ seq: '1', status: 'applied', version: '-1' }] },
    { results: [{ seq: '1', status: 'applied', row: [] }] },
    { acked_seq: null },
    { server_now: 'today' },
    { server_hlc: '1.5' },
  ])('that is ours and broken is a server’s fault: %j', (change) => {
    expect(() => readPushAnswer({ ...push, ...change })).toThrow(
      expect.objectContaining({ reason: 'server' }),
    );
  });

  it('with keys that this version does not know is fine', () => {
    const result = { seq: '1', status: 'applied', version: '7', news: true };
    const answer = readPushAnswer({ ...push, later: {}, results: [result] });
    expect(answer.results).toMatchObject([{ seq: 1, version: '7', row: undefined, columns: {} }]);
  });

  it('tells a row that is gone from a row that is not mentioned', () => {
    const results = [
      { seq: '1', status: 'applied', row: null },
      { seq: '2', status: 'applied' },
    ];
    expect(readPushAnswer({ ...push, results }).results.map(({ row }) => row)).toEqual([null, undefined]);
  });
});
