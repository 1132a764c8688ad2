/** Takes a page of a pull into the local store. Pure: drafts changes. */

import type { PullAnswer, TableChanges } from '../net/answers.ts';
import type { Draft } from '../store/draft.ts';
import type { Mirror } from '../store/mirror.ts';
import { keyText, type TableSpec } from '../table.ts';
import type { ServerRow } from '../types.ts';
import { hasTopic, isOlder } from './verdicts.ts';

export interface PageContext {
  readonly draft: Draft;
  readonly mirror: Mirror;
  /** Tables by qualified name. */
  readonly tables: ReadonlyMap<string, TableSpec>;
}

/**
 * Drafts the rows of one page. Rows of revoked scopes go first, because what the caller may still see is in the
 * changes. Returns true when the device cannot tell whether it holds other rows of a revoked scope.
 */
export function applyChanges(page: PullAnswer, context: PageContext): boolean {
  const isDoubtful = dropScopes(new Set(page.revokedScopes), context);
  for (const changes of page.changes) {
    const spec = context.tables.get(changes.table);
    // Tables that this app does not declare are not asked for; a newer server may still send them.
    if (spec !== undefined) applyTable(spec, changes, context);
  }
  return isDoubtful;
}

/**
 * A verdict that names no scope leaves a row without one. When a scope is lost while there are such rows, only a full
 * pull can tell which of them the user may keep.
 */
function dropScopes(revoked: ReadonlySet<string>, { draft, mirror }: PageContext): boolean {
  if (revoked.size === 0) return false;
  let isDoubtful = false;
  for (const { table, keyText: key, scope, generation } of mirror.serverRows()) {
    if (scope !== null && revoked.has(scope)) draft.deleteRow(table, key);
    // Rows of an older generation are about to be swept anyway unless the pull brings them.
    if (scope === null && generation === draft.sync.generation) isDoubtful = true;
  }
  return isDoubtful;
}

function applyTable(spec: TableSpec, changes: TableChanges, { draft }: PageContext): void {
  const table = spec.qualified;
  for (const { version, row } of changes.upserts) {
    const key = keyText(spec, row);
    if (!isNews(draft, draft.row(table, key), version)) continue;
    draft.putRow({
      table,
      keyText: key,
      version,
      scope: changes.scope,
      row,
      generation: draft.sync.generation,
    });
    settleConfirmed(draft, table, key, version);
  }
  for (const { version, key: columns } of changes.deletes) {
    const key = keyText(spec, columns);
    if (!isNews(draft, draft.row(table, key), version)) continue;
    draft.deleteRow(table, key);
    settleConfirmed(draft, table, key, version);
  }
  for (const { key: columns } of changes.evicts) draft.deleteRow(table, keyText(spec, columns));
}

/**
 * A verdict may have brought a later version than a page of a pull that was begun before. Rows of an older generation
 * are of another history, whose versions cannot be compared.
 */
function isNews(draft: Draft, stored: ServerRow | undefined, version: string): boolean {
  return (
    stored === undefined || stored.generation !== draft.sync.generation || !isOlder(version, stored.version)
  );
}

/** The row came at or after the version that a decided mutation had produced, so it contains the mutation. */
function settleConfirmed(draft: Draft, table: string, key: string, version: string): void {
  for (const mutation of draft.mutationsOf(table, key)) {
    if (mutation.state !== 'confirmed' || mutation.version === null) continue;
    if (!isOlder(version, mutation.version)) draft.deleteMutation(mutation);
  }
}

/** Ends a full pull: what it did not bring is gone. */
export function sweep({ draft, mirror }: PageContext): void {
  for (const { table, keyText: key } of mirror.serverRows()) {
    const row = draft.row(table, key);
    if (row !== undefined && row.generation !== draft.sync.generation) draft.deleteRow(table, key);
  }
  draft.setSync({ sweeping: false });
}

/** A pull that was begun after these rows came has told the user's scopes: what is in none of them is gone. */
export function dropStrays({ draft, mirror }: PageContext): void {
  if (!draft.sync.strays) return;
  for (const { table, keyText: key } of mirror.serverRows()) {
    const row = draft.row(table, key);
    if (row !== undefined && !hasTopic(draft.sync, row.scope)) draft.deleteRow(table, key);
  }
  draft.setSync({ strays: false });
}

/** A pull that was begun after these were decided has come to its end, so the rows contain them. */
export function settleAllConfirmed({ draft, mirror }: PageContext): void {
  for (const { seq } of mirror.outbox.values()) {
    const mutation = draft.mutation(seq);
    if (mutation?.state === 'confirmed') draft.deleteMutation(mutation);
  }
}

/** Up to which own mutation the rows on this device are complete, so that a pull need not bring them back. */
export function seenSeq(mirror: Mirror): number {
  let lowest = mirror.sync.ackedSeq + 1;
  for (const seq of mirror.outbox.keys()) lowest = Math.min(lowest, seq);
  return lowest - 1;
}
