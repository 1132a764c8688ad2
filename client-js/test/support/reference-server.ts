/**
 * A server that speaks protocol 1, in memory and small enough to be believed: what the client is measured against.
 * Policies: last write wins by clock; column `likes` is a counter; column `grade` is manual. A negative `n` violates
 * a check. Scope of a row: its `team`.
 */

import type { RpcAnswer, RpcArguments, RpcFunction, Transport } from '../../src/net/transport.ts';
import type { Json, JsonRow } from '../../src/types.ts';
import { decide, hasUnseen, type Stamp, type StoredRow, type WireMutation } from './reference-merge.ts';
import { ReferenceModels } from './reference-models.ts';
import { NOTE, pullChanges } from './reference-pull.ts';

interface Device {
  readonly userId: string;
  acked: number;
  readonly results: Map<number, JsonRow>;
  readonly deferred: Map<number, WireMutation>;
}

/** Ends a call as PostgREST would. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly details: string | null = null,
  ) {
    super(code);
  }
}

export class ReferenceServer {
  epoch = 'epoch-1';
  pageSize = 1_000;
  batchMax = 1_000;
  /** While true, mutations of rows with this `n` are deferred. */
  deferN: number | null = null;
  readonly rows = new Map<string, StoredRow>();
  readonly departures: { readonly id: string; readonly scope: string; readonly version: number }[] = [];
  readonly members = new Map<string, Set<string>>();
  readonly devices = new Map<string, Device>();
  readonly conflicts = new Map<string, JsonRow & { readonly user: string }>();
  readonly models = new ReferenceModels();
  /** Everything that took effect, in order: what was written, by which mutation. */
  readonly effects: { readonly device: string | null; readonly seq: number; readonly patch: JsonRow }[] = [];
  #version = 0;

  constructor(private readonly now: () => number) {}

  /** The functions as one user calls them; null: without a session. */
  transportFor(user: () => string | null): Transport {
    return {
      call: async (fn, args) => {
        await Promise.resolve();
        try {
          const userId = user();
          if (userId === null) throw new Refusal(401, '42501');
          return { ok: true, data: JSON.parse(JSON.stringify(this.#call(fn, args, userId))) };
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return failure(error);
        }
      },
    };
  }

  join(userId: string, ...scopes: string[]): void {
    for (const scope of scopes) this.scopesOf(userId).add(scope);
  }

  leave(userId: string, scope: string): void {
    this.scopesOf(userId).delete(scope);
  }

  scopesOf(userId: string): Set<string> {
    const known = this.members.get(userId) ?? new Set<string>();
    this.members.set(userId, known);
    return known;
  }

  /** What the user may see, by id. */
  visible(userId: string): Map<string, JsonRow> {
    const scopes = this.scopesOf(userId);
    const seen = [...this.rows.values()].filter(({ row, scope }) => row !== null && scopes.has(scope));
    return new Map(seen.map(({ id, row }) => [id, row as JsonRow]));
  }

  /** A write by somebody who is not a device. */
  write(id: string, patch: JsonRow | null): void {
    this.#store(id, patch, { hlc: BigInt(this.now()) << 16n, device: null, seq: 0 });
  }

  get version(): number {
    return this.#version;
  }

  #call(fn: RpcFunction, args: RpcArguments, userId: string): Json {
    switch (fn) {
      case 'register_device':
        return this.#register(String(args.p_device), args.p_info as JsonRow, userId);
      case 'push':
        return this.#push(String(args.p_device), String(args.p_batch), userId);
      case 'pull':
        this.#requireDevice(String(args.p_device), userId);
        return this.#envelope(pullChanges(this, args.p_request as JsonRow, String(args.p_device), userId));
      case 'conflicts': {
        const own = [...this.conflicts.values()].filter(({ user }) => user === userId);
        return { has_more: false, conflicts: own.map(({ user: _user, ...conflict }) => conflict) };
      }
      case 'resolve_conflict':
        return this.#resolve(
          String(args.p_conflict),
          String(args.p_resolution),
          args.p_merged as JsonRow | null,
        );
      case 'export_model': {
        const document = this.models.export(String(args.p_model), Number(args.p_version));
        if (document === null) throw new Refusal(404, 'PT404');
        return document;
      }
    }
  }

  #envelope(answer: JsonRow): JsonRow {
    return {
      epoch: this.epoch,
      server_now: new Date(this.now()).toISOString(),
      server_hlc: String(BigInt(this.now()) << 16n),
      ...answer,
    };
  }

  #register(deviceId: string, info: JsonRow, userId: string): JsonRow {
    const known = this.devices.get(deviceId);
    if (known !== undefined && known.userId !== userId) throw new Refusal(403, '42501');
    const device = known ?? { userId, acked: 0, results: new Map(), deferred: new Map() };
    this.devices.set(deviceId, device);
    this.models.capabilities.set(deviceId, (info.capabilities ?? {}) as JsonRow);
    return this.#envelope({ device_id: deviceId, acked_seq: String(device.acked) });
  }

  #requireDevice(deviceId: string, userId: string): Device {
    const device = this.devices.get(deviceId);
    if (device === undefined || device.userId !== userId) throw new Refusal(403, '42501');
    return device;
  }

  #push(deviceId: string, text: string, userId: string): JsonRow {
    const device = this.#requireDevice(deviceId, userId);
    const batch = JSON.parse(text) as { v: number; mutations: WireMutation[] };
    if (batch.v !== 1) throw new Refusal(400, '22023');
    if (batch.mutations.length > this.batchMax) throw new Refusal(413, 'PT413', String(this.batchMax));
    const first = batch.mutations[0];
    if (first !== undefined && Number(first.seq) > device.acked + 1) {
      throw new Refusal(409, 'PT409', String(device.acked + 1));
    }
    const results: JsonRow[] = this.#decideDeferred(deviceId, device);
    for (const group of groups(batch.mutations)) results.push(...this.#applyGroup(deviceId, device, group));
    device.acked = Math.max(device.acked, ...batch.mutations.map(({ seq }) => Number(seq)));
    return this.#envelope({ acked_seq: String(device.acked), mac: null, results });
  }

  #decideDeferred(deviceId: string, device: Device): JsonRow[] {
    return [...device.deferred.values()].flatMap((mutation) => {
      if (this.#isDeferred(mutation)) return [];
      device.deferred.delete(Number(mutation.seq));
      return this.#applyGroup(deviceId, device, [mutation], true);
    });
  }

  /** All of a group or none. */
  #applyGroup(deviceId: string, device: Device, group: readonly WireMutation[], again = false): JsonRow[] {
    const seen = group.filter(({ seq }) => !again && Number(seq) <= device.acked);
    if (seen.length > 0) return seen.map(({ seq }) => duplicate(seq, device.results.get(Number(seq))));
    if (group.some((mutation) => this.#isDeferred(mutation))) {
      for (const mutation of group) device.deferred.set(Number(mutation.seq), mutation);
      return group.map(({ seq }) => remember(device, { seq, status: 'deferred' }));
    }
    const code = group.map((mutation) => this.#violation(mutation, device)).find((found) => found !== null);
    if (code !== undefined) {
      const error = { code, message: `violates ${code}`, detail: null, hint: null };
      return group.map(({ seq }) => remember(device, { seq, status: 'rejected', error }));
    }
    return group.map((mutation) => remember(device, this.#apply(deviceId, device, mutation)));
  }

  #isDeferred({ patch }: WireMutation): boolean {
    return this.deferN !== null && patch?.n === this.deferN;
  }

  #violation(mutation: WireMutation, device: Device): string | null {
    const stored = this.rows.get(String(mutation.key.id));
    const isThere = stored !== undefined && stored.row !== null;
    const afterRejected = mutation.after?.some(
      (seq) => device.results.get(Number(seq))?.status === 'rejected',
    );
    if (afterRejected === true) return 'PT424';
    const maySee = stored !== undefined && this.scopesOf(device.userId).has(stored.scope);
    if (mutation.op === 'delete') return isThere && !maySee ? '42501' : null;
    if (isThere && !maySee) return mutation.op === 'insert' ? '23505' : '42501';
    if (Number(mutation.patch?.n ?? 0) < 0) return '23514';
    if (mutation.op === 'insert' && isThere) return '23505';
    if (mutation.op === 'update' && !isThere) return '42501';
    const scope = String(mutation.patch?.team ?? stored?.row?.team ?? '');
    return this.scopesOf(device.userId).has(scope) ? null : '42501';
  }

  #apply(deviceId: string, device: Device, mutation: WireMutation): JsonRow {
    const id = String(mutation.key.id);
    const stored = this.rows.get(id);
    const seq = Number(mutation.seq);
    if (mutation.op === 'delete') {
      if (stored !== undefined && stored.row !== null) {
        this.#store(id, null, { hlc: BigInt(mutation.hlc), device: deviceId, seq });
      }
      return { seq: mutation.seq, status: 'applied', version: String(this.#version) };
    }
    const decided = decide(mutation, stored, deviceId);
    const isOvertaken = stored !== undefined && hasUnseen(stored, mutation.base, deviceId);
    this.effects.push({ device: deviceId, seq, patch: mutation.patch ?? {} });
    if (Object.keys(decided.patch).length > 0 || stored === undefined || stored.row === null) {
      this.#store(id, { id, ...decided.patch }, { hlc: BigInt(mutation.hlc), device: deviceId, seq }, false);
    }
    const now = this.rows.get(id) as StoredRow;
    const result = { seq: mutation.seq, version: String(now.version), scope: now.scope };
    if (Object.keys(decided.columns).length === 0) {
      return { ...result, status: 'applied', ...(isOvertaken ? { row: now.row } : {}) };
    }
    if (decided.manual === null) {
      return { ...result, status: 'merged', columns: decided.columns, row: now.row };
    }
    const conflictId = `conflict-${this.conflicts.size + 1}`;
    const columns = { grade: decided.manual };
    const key = { id };
    this.conflicts.set(conflictId, {
      user: device.userId,
      id: conflictId,
      table: NOTE,
      key,
      columns,
      created_at: new Date(this.now()).toISOString(),
    });
    return { ...result, status: 'conflict', conflict_id: conflictId, columns: decided.columns, row: now.row };
  }

  #resolve(id: string, resolution: string, merged: JsonRow | null): JsonRow {
    const conflict = this.conflicts.get(id);
    if (conflict === undefined) throw new Refusal(404, 'PT404');
    this.conflicts.delete(id);
    const { grade } = conflict.columns as { grade: { mine: Json } };
    const patch = resolution === 'mine' ? { grade: grade.mine } : resolution === 'merged' ? merged : null;
    if (patch !== null) this.write(String((conflict.key as JsonRow).id), patch);
    return { id, status: 'resolved' };
  }

  #store(
    id: string,
    patch: JsonRow | null,
    by: { readonly hlc: bigint; readonly device: string | null; readonly seq: number },
    isEffect = true,
  ): void {
    const known = this.rows.get(id);
    this.#version += 1;
    const version = this.#version;
    const stamps = known?.row == null ? new Map<string, Stamp>() : known.stamps;
    const stamp: Stamp = { version, hlc: by.hlc, device: by.device };
    const row: JsonRow | null = patch === null ? null : { id, ...known?.row, ...patch };
    const scope = row === null ? (known?.scope ?? '') : String(row.team ?? '');
    if (known?.row == null || row === null) stamps.set('', stamp);
    for (const column of Object.keys(patch ?? {})) stamps.set(column, stamp);
    if (known !== undefined && known.scope !== scope)
      this.departures.push({ id, scope: known.scope, version });
    this.rows.set(id, { id, row, version, scope, device: by.device, seq: by.seq, stamps });
    if (isEffect && by.device !== null)
      this.effects.push({ device: by.device, seq: by.seq, patch: patch ?? {} });
  }
}

function failure({ status, code, details }: Refusal): RpcAnswer {
  return { ok: false, status, code, message: code, details, hint: null };
}

function remember(device: Device, result: JsonRow): JsonRow {
  device.results.set(Number(result.seq), result);
  return result;
}

function duplicate(seq: string, result: JsonRow | undefined): JsonRow {
  const { status, error, conflict_id } = result ?? {};
  return {
    seq,
    status: 'duplicate',
    was: status ?? 'applied',
    ...(error === undefined ? {} : { error }),
    ...(conflict_id === undefined ? {} : { conflict_id }),
  };
}

/** Consecutive mutations of one group, and single ones. */
function groups(mutations: readonly WireMutation[]): WireMutation[][] {
  const result: WireMutation[][] = [];
  for (const mutation of mutations) {
    const last = result.at(-1);
    if (mutation.group !== undefined && last?.[0]?.group === mutation.group) last.push(mutation);
    else result.push([mutation]);
  }
  return result;
}
