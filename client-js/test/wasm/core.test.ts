import { beforeAll, describe, expect, it } from 'vitest';
import { observe, tick } from '../../src/clock/hlc.ts';
import { type Core, loadCore } from '../../src/wasm/index.ts';
import { CASES } from './cases.ts';
import { failure, vectors } from './vectors.ts';

let core: Core;

beforeAll(async () => {
  core = await loadCore();
});

describe('the core as WASM', () => {
  it.each(CASES)('$name', (vector) => {
    expect(failure(core, vector)).toBeNull();
  });

  it('gives the answers of the vectors', () => {
    expect(vectors().flatMap((vector) => failure(core, vector) ?? [])).toEqual([]);
  });

  it('has the clock that the client has', () => {
    const [state, remote, now] = ['113246208000000000', '113246208000065535', 1_728_000_000_000];
    expect(core.tick(state, now)).toBe(tick(state, now));
    expect(core.observe(state, remote, now)).toBe(observe(state, remote, now));
  });

  it('refuses with the SQLSTATE of the database', () => {
    const refused = (name: string, input: unknown) => () => core.call(name, input);
    expect(refused('nonsense', {})).toThrow(
      expect.objectContaining({ code: 'core_refused', server: expect.objectContaining({ code: '42883' }) }),
    );
    expect(refused('tick', { state: '-1', now_ms: 0 })).toThrow(
      expect.objectContaining({ server: expect.objectContaining({ code: '22023' }) }),
    );
  });

  it('survives what it has no memory for', () => {
    const huge = `{"a":"${'x'.repeat(120 * 1024 * 1024)}"}`;
    expect(() => core.diff(huge, '{}')).toThrow(expect.objectContaining({ code: 'core_failed' }));
    expect(core.tick('0', 1)).toBe('65536');
  });

  it('gives back all memory', () => {
    // Together more than an instance may ever have.
    const big = `{"a":"${'x'.repeat(1024 * 1024)}"}`;
    for (let i = 0; i < 300; i += 1) expect(core.diff(big, big)).toBeNull();
  });
});
