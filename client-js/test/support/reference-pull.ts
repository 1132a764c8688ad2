/** `pull` of the reference server: what changed since the cursor, as one user may see it. */

import type { JsonRow } from '../../src/types.ts';
import type { StoredRow } from './reference-merge.ts';
import type { ReferenceServer } from './reference-server.ts';

export const NOTE = 'public.note';

interface Cursor {
  readonly epoch: string;
  /** Everything up to here was pulled. */
  readonly version: number;
  readonly scopes: readonly string[];
  /** A pull under way: what it goes up to, and how far it has come. */
  readonly page: {
    readonly upper: number;
    readonly after: number;
    readonly scopes: readonly string[];
  } | null;
}

interface Change {
  readonly version: number;
  readonly scope: string;
  readonly kind: 'upserts' | 'deletes' | 'evicts';
  readonly entry: JsonRow;
}

export const SCHEMA = {
  hash: 'schema-1',
  tables: {
    [NOTE]: {
      key: ['id'],
      columns: {
        id: 'text',
        team: 'text',
        title: 'text',
        n: 'int4',
        likes: 'int4',
        grade: 'int4',
        views: 'int8',
      },
      scope_kind: 'team',
      policy: { columns: { likes: 'counter', grade: 'manual' } },
    },
  },
};

export function pullChanges(
  server: ReferenceServer,
  request: JsonRow,
  deviceId: string,
  userId: string,
): JsonRow {
  const current = [...server.scopesOf(userId)].sort();
  const given = request.cursor === null ? null : (JSON.parse(String(request.cursor)) as Cursor);
  const isReset = given !== null && given.epoch !== server.epoch;
  const cursor = isReset ? null : given;
  // A scope gained while pages remain is brought from its start by the next pull.
  const pulled = cursor?.page?.scopes;
  const scopes = pulled === undefined ? current : current.filter((scope) => pulled.includes(scope));
  const upper = cursor?.page?.upper ?? server.version;
  const from = cursor?.version ?? 0;
  const known = new Set(cursor?.scopes ?? []);
  const seenSeq = Number(request.seen_seq ?? 0);
  const changes = changesOf(server, { scopes, known, from, upper, deviceId, seenSeq })
    .filter(({ version }) => version > (cursor?.page?.after ?? 0))
    .sort((a, b) => a.version - b.version);
  const limit = Math.min(Number(request.limit), server.pageSize);
  const page = changes.slice(0, limit);
  const hasMore = changes.length > limit;
  const next: Cursor = hasMore
    ? {
        epoch: server.epoch,
        version: from,
        scopes: [...known].filter((scope) => scopes.includes(scope)),
        page: { upper, after: page.at(-1)?.version ?? 0, scopes },
      }
    : { epoch: server.epoch, version: upper, scopes, page: null };
  return {
    reset: isReset,
    cursor: JSON.stringify(next),
    has_more: hasMore,
    changes: grouped(page),
    // Some of the rows of a scope that was being brought from the start may be on the device already.
    revoked_scopes: [...known, ...(pulled ?? [])].filter((scope) => !scopes.includes(scope)),
    conflicts: [...server.conflicts.values()].filter(({ user }) => user === userId).length,
    ...(cursor === null || cursor.scopes.join() !== current.join()
      ? { topics: [`offline:user:${userId}`, ...current.map((scope) => `offline:team:${scope}`)] }
      : {}),
    ...(request.schema === SCHEMA.hash ? {} : { schema: SCHEMA }),
    models:
      hasMore || request.models == null
        ? []
        : server.models.pull(request.models as JsonRow, deviceId, userId),
  };
}

interface Window {
  readonly scopes: readonly string[];
  readonly known: ReadonlySet<string>;
  readonly from: number;
  readonly upper: number;
  readonly deviceId: string;
  readonly seenSeq: number;
}

function changesOf(server: ReferenceServer, window: Window): Change[] {
  const { scopes, known, from, upper, deviceId, seenSeq } = window;
  const isOwn = ({ device, seq }: StoredRow) => device === deviceId && seq <= seenSeq;
  const rows = [...server.rows.values()].flatMap((stored): Change[] => {
    const { scope, version, row, id } = stored;
    const isFresh = !known.has(scope);
    if (!scopes.includes(scope) || version > upper) return [];
    if (!isFresh && (version <= from || isOwn(stored))) return [];
    if (row === null) {
      return isFresh
        ? []
        : [{ version, scope, kind: 'deletes', entry: { version: String(version), key: { id } } }];
    }
    return [{ version, scope, kind: 'upserts', entry: { version: String(version), row } }];
  });
  const evicts = server.departures.flatMap(({ id, scope, version }): Change[] => {
    const now = server.rows.get(id);
    const isVisible = now !== undefined && now.row !== null && scopes.includes(now.scope);
    if (!known.has(scope) || version <= from || version > upper || isVisible) return [];
    return [{ version, scope, kind: 'evicts', entry: { key: { id } } }];
  });
  return [...rows, ...evicts];
}

function grouped(changes: readonly Change[]): JsonRow[] {
  return [...new Set(changes.map(({ scope }) => scope))].map((scope) => {
    const own = changes.filter((change) => change.scope === scope);
    const entries = (kind: Change['kind']) =>
      own.filter((change) => change.kind === kind).map(({ entry }) => entry);
    return {
      table: NOTE,
      scope,
      upserts: entries('upserts'),
      deletes: entries('deletes'),
      evicts: entries('evicts'),
    };
  });
}
