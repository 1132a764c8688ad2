/** Devices that pull models, and the models that the server has for them. */

import { readFileSync } from 'node:fs';
import {
  createModels,
  loadModelEngine,
  type ModelEngine,
  type Models,
  type ModelsOptions,
} from '../../src/models/index.ts';
import type { JsonRow } from '../../src/types.ts';
import type { Device, DeviceOptions, World } from '../support/world.ts';

/** Documents as `export_model` gives them; made by an example of `wasm-model`. */
export const DOCUMENTS = JSON.parse(
  readFileSync(new URL('./sample-models.json', import.meta.url), 'utf8'),
) as {
  readonly [name in 'warm_1' | 'warm_2' | 'stale' | 'recommendation']: JsonRow;
};

let engine: Promise<ModelEngine> | null = null;

/** One for all tests of a file: compiling takes longer than most of them. */
export function sharedEngine(): Promise<ModelEngine> {
  engine ??= loadModelEngine();
  return engine;
}

export interface ModelDevice {
  readonly device: Device;
  /** Of the app as it runs now. */
  readonly models: () => Models;
  /** Code, model and version of what could not be taken in. */
  readonly errors: (readonly [string, string, number | null])[];
  /** Syncs, and waits until the models are taken in. */
  sync(): Promise<void>;
}

export async function modelDevice(
  world: World,
  options: ModelsOptions = {},
  deviceOptions: DeviceOptions = {},
): Promise<ModelDevice> {
  const errors: (readonly [string, string, number | null])[] = [];
  let current: Models | undefined;
  const models = () => {
    current = createModels({
      engine: sharedEngine,
      onError: ({ code }, model, version) => errors.push([code, model, version]),
      ...options,
    });
    return current;
  };
  const device = await world.device({ ...deviceOptions, models });
  const now = () => current as Models;
  return {
    device,
    models: now,
    errors,
    async sync() {
      await device.settle();
      await now().settled();
    },
  };
}

/** What the last pull of a device said that it holds. */
export function lastHeld({ device }: ModelDevice): unknown {
  const pulls = device.transport.calls.filter(({ fn }) => fn === 'pull');
  return (pulls.at(-1)?.args.p_request as JsonRow | undefined)?.models;
}

/** A row for the models `warm_*`. */
export function row(seed: number): number[] {
  return Array.from({ length: 20 }, (_, i) => Math.sin(seed * 20 + i));
}

/** The same document with one bit of its artefact changed. */
export function damaged(document: JsonRow): JsonRow {
  const bytes = Buffer.from(String(document.artifact), 'base64');
  const at = bytes.length - 9;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return { ...document, artifact: bytes.toString('base64') };
}
