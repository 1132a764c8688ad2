/** Models of the reference server: which versions serve, and what a pull says of them. */

import { createHash } from 'node:crypto';
import type { Json, JsonRow } from '../../src/types.ts';

interface Served {
  readonly version: number;
  readonly document: JsonRow;
  readonly isInline: boolean;
  readonly vectors: { readonly [user: string]: readonly number[] };
}

export class ReferenceModels {
  readonly #served = new Map<string, Served>();
  /** What devices last said that they can, by device. */
  readonly capabilities = new Map<string, JsonRow>();

  /** A version serves from now on. `isInline` false: it is too large for an answer. */
  deploy(
    name: string,
    version: number,
    document: JsonRow,
    more: { readonly isInline?: boolean; readonly vectors?: Served['vectors'] } = {},
  ): void {
    const { isInline = true, vectors = {} } = more;
    this.#served.set(name, { version, document, isInline, vectors });
  }

  withdraw(name: string): void {
    this.#served.delete(name);
  }

  /** What differs from what the device holds. */
  pull(held: JsonRow, deviceId: string, userId: string): Json {
    const can = this.capabilities.get(deviceId) ?? {};
    const usable = new Map([...this.#served].filter(([, { document }]) => satisfies(can, document.requires)));
    const fresh = [...usable].filter(([name, { version }]) => held[name] !== version);
    const gone = Object.keys(held).filter((name) => !usable.has(name));
    return [
      ...fresh.map(([model, { version, document, isInline, vectors }]) => ({
        model,
        version,
        format: document.format ?? null,
        sha256: document.sha256 ?? null,
        bytes: Buffer.from(String(document.artifact), 'base64').length,
        export: isInline ? document : null,
        ...(vectors[userId] === undefined ? {} : { user: { id: userId, vector: vectors[userId] } }),
      })),
      ...gone.map((model) => ({ model, version: null })),
    ];
  }

  /** The document of a version that serves. */
  export(name: string, version: number): JsonRow | null {
    const served = this.#served.get(name);
    return served?.version === version ? { model: name, version, ...served.document } : null;
  }
}

/** Numbers are minima, all else must be equal. */
function satisfies(can: JsonRow, requires: Json | undefined): boolean {
  return Object.entries((requires ?? {}) as JsonRow).every(([name, wanted]) => {
    const given = can[name];
    return typeof wanted === 'number' && typeof given === 'number' ? given >= wanted : given === wanted;
  });
}

/** A document of another format than ours. */
export function foreignDocument(format: string, bytes: Uint8Array, requires: JsonRow = {}): JsonRow {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { format, sha256, artifact: Buffer.from(bytes).toString('base64'), requires };
}
