// What a history must satisfy, whatever was killed. Pure: takes the events, gives findings, none when all is well.
//
// Every edit of a row leaves its mark `device:n` among the row's tags, which only grow. So what anybody saw of a
// row says which edits it contains.

/**
 * @typedef {{ check: 'convergence' | 'exactly_once' | 'causal_order' | 'lost', what: string }} Finding
 *
 * @typedef {object} Edit a mutation, with all that was ever said of it
 * @property {string} id `device/seq`
 * @property {string} process
 * @property {number} seq
 * @property {any} sent as it first left the device
 * @property {string | undefined} mark
 * @property {any} verdict the first final answer
 * @property {string | undefined} became status that the verdict tells
 */

const FINAL = new Set(['applied', 'merged', 'conflict', 'rejected']);

/** @param {any[]} events @returns {Finding[]} */
export function check(events) {
  /** @type {Finding[]} */
  const findings = [];
  const edits = editsOf(events, findings);
  const finals = events.filter(({ type }) => type === 'final');
  const server = finals.find(({ process }) => process === 'server');
  if (!server) return [{ check: 'convergence', what: 'nobody looked at the server in the end' }];
  const log = events.find(({ type }) => type === 'log')?.entries ?? [];
  const rows = new Map(server.rows.map((/** @type {any} */ row) => [row.id, row]));
  converged(finals, server, findings);
  once(edits, events, rows, findings);
  inOrder(edits, events, rows, findings);
  kept(edits, rows, log, findings);
  return findings;
}

/** @param {any[]} events @param {Finding[]} findings @returns {Map<string, Edit>} */
function editsOf(events, findings) {
  /** @type {Map<string, Edit>} */
  const edits = new Map();
  for (const { type, fn, process, mutations, results } of events) {
    if (fn !== 'push') continue;
    for (const sent of type === 'invoke' ? mutations : []) {
      const id = `${process}/${sent.seq}`;
      const known = edits.get(id);
      if (known && content(known.sent) !== content(sent))
        findings.push({ check: 'exactly_once', what: `${id} was sent with another content` });
      if (known) continue;
      const mark = sent.patch?.tags?.at(-1);
      edits.set(id, {
        id,
        process,
        seq: Number(sent.seq),
        sent,
        mark,
        verdict: null,
        became: undefined,
      });
    }
    for (const result of type === 'ok' ? results : []) answered(edits, process, result, findings);
  }
  for (const { id, became } of edits.values())
    if (!became) findings.push({ check: 'lost', what: `${id} never got a verdict` });
    else if (became === 'rejected' || became === 'conflict')
      findings.push({ check: 'lost', what: `${id} was ${became}, and nothing in it is wrong` });
  return edits;
}

/** @param {any} sent */
const content = ({ op, table, key, patch, hlc }) => JSON.stringify([op, table, key, patch, hlc]);

/** @param {Map<string, Edit>} edits @param {string} process @param {any} result @param {Finding[]} findings */
function answered(edits, process, result, findings) {
  const id = `${process}/${result.seq}`;
  const edit = edits.get(id);
  if (!edit) {
    findings.push({ check: 'exactly_once', what: `${id} was answered and never sent` });
    return;
  }
  const isFresh = result.status !== 'duplicate';
  const status = isFresh ? result.status : result.was;
  if (!FINAL.has(status)) return;
  if (isFresh && edit.became)
    findings.push({
      check: 'exactly_once',
      what: `${id} was applied again: ${edit.became}, ${status}`,
    });
  if (edit.became && edit.became !== status)
    findings.push({ check: 'exactly_once', what: `${id} was ${edit.became}, then ${status}` });
  edit.became ??= status;
  if (isFresh) edit.verdict ??= result;
}

/** @param {any[]} finals @param {any} server @param {Finding[]} findings */
function converged(finals, server, findings) {
  const expected = new Map(server.rows.map((/** @type {any} */ row) => [row.id, canonical(row)]));
  for (const { process, rows } of finals) {
    if (rows.length !== expected.size)
      findings.push({
        check: 'convergence',
        what: `${process} has ${rows.length} rows of ${expected.size}`,
      });
    for (const row of rows)
      if (canonical(row) !== expected.get(row.id))
        findings.push({ check: 'convergence', what: `${process}: ${row.id} differs` });
  }
  if (finals.length < 2) findings.push({ check: 'convergence', what: 'no device was looked at' });
}

/** Members in one order. @param {any} value @returns {string} */
function canonical(value) {
  return JSON.stringify(value, (_, part) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Counters add up, rows are there once, and the server's history has no mutation twice. @param {Map<string, Edit>} edits @param {any[]} events @param {Map<string, any>} rows @param {Finding[]} findings */
function once(edits, events, rows, findings) {
  const totals = new Map([...rows.keys()].map((id) => [id, 0]));
  for (const { sent } of edits.values()) {
    if (sent.patch?.total === undefined || !totals.has(sent.key.id)) continue;
    const by = sent.patch.total - (sent.before?.total ?? 0);
    totals.set(sent.key.id, (totals.get(sent.key.id) ?? 0) + by);
  }
  for (const [id, total] of totals)
    if (rows.get(id).total !== total)
      findings.push({
        check: 'exactly_once',
        what: `${id}: total ${rows.get(id).total}, not ${total}`,
      });

  const inserted = [...edits.values()].filter(({ sent }) => sent.op === 'insert');
  const deleted = new Set(
    [...edits.values()].filter(({ sent }) => sent.op === 'delete').map(({ sent }) => sent.key.id),
  );
  for (const { id, sent } of inserted)
    if (rows.has(sent.key.id) === deleted.has(sent.key.id))
      findings.push({
        check: 'lost',
        what: `${id}: the row that it made is ${deleted.has(sent.key.id) ? 'back' : 'gone'}`,
      });
  const made = new Set(inserted.map(({ sent }) => sent.key.id));
  for (const id of rows.keys())
    if (!made.has(id)) findings.push({ check: 'exactly_once', what: `nobody made ${id}` });

  const writes = events.find(({ type }) => type === 'writes')?.entries ?? [];
  for (const { process, seq, times } of writes)
    if (times > 1)
      findings.push({
        check: 'exactly_once',
        what: `${process}/${seq} was written ${times} times`,
      });
  for (const [id, row] of rows) {
    for (const [column, list] of [
      ['tags', row.tags],
      ['body', linesOf(row.body)],
    ])
      if (new Set(list).size !== list.length)
        findings.push({ check: 'exactly_once', what: `${id}: ${column} has a mark twice` });
  }
}

/** @template T, K @param {Iterable<T>} items @param {(item: T) => K} keyOf @returns {Map<K, T[]>} */
function groupBy(items, keyOf) {
  /** @type {Map<K, T[]>} */
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** @param {string} body */
const linesOf = (body) => body.split('\n').slice(0, -1);

/**
 * Whoever sees an edit sees what its device had seen and made before; a device's own edits of a row get rising
 * versions; a row seen at a version contains all edits up to it; and nobody's view of a row goes back.
 *
 * @param {Map<string, Edit>} edits @param {any[]} events @param {Map<string, any>} rows @param {Finding[]} findings
 */
function inOrder(edits, events, rows, findings) {
  const byRow = groupBy(edits.values(), ({ sent }) => sent.key.id);
  /** @type {Map<string, Edit>} */
  const byMark = new Map();
  for (const edit of edits.values())
    if (edit.mark) byMark.set(`${edit.sent.key.id} ${edit.mark}`, edit);

  for (const [id, ofRow] of byRow)
    for (const own of groupBy(ofRow, ({ process }) => process).values()) {
      let last = 0n;
      for (const edit of own.sort((a, b) => a.seq - b.seq)) {
        if (edit.verdict?.version == null) continue;
        const version = BigInt(edit.verdict.version);
        if (version < last)
          findings.push({
            check: 'causal_order',
            what: `${edit.id} came before an earlier edit of ${id}`,
          });
        last = version;
      }
    }

  /** @param {string} who @param {any} row @param {string | null} version */
  const look = (who, row, version) => {
    const seen = new Set(row.tags);
    /** @type {Map<string, number>} */
    const latest = new Map();
    for (const mark of row.tags) {
      const edit = byMark.get(`${row.id} ${mark}`);
      if (!edit) {
        findings.push({
          check: 'causal_order',
          what: `${who} saw ${mark} in ${row.id}, which nobody wrote`,
        });
        continue;
      }
      latest.set(edit.process, Math.max(latest.get(edit.process) ?? 0, edit.seq));
      for (const before of edit.sent.before?.tags ?? [])
        if (!seen.has(before))
          findings.push({
            check: 'causal_order',
            what: `${who} saw ${mark} in ${row.id} without ${before}, which it follows`,
          });
    }
    for (const { id, process, seq, mark, verdict } of byRow.get(row.id) ?? []) {
      if (!mark || seen.has(mark)) continue;
      if (seq < (latest.get(process) ?? 0))
        findings.push({
          check: 'causal_order',
          what: `${who} saw ${row.id} without ${id}, and with a later edit of ${process}`,
        });
      if (
        version !== null &&
        verdict?.version != null &&
        BigInt(verdict.version) <= BigInt(version)
      )
        findings.push({
          check: 'causal_order',
          what: `${who} saw ${row.id} at ${version} without ${id}`,
        });
    }
  };

  /** @type {Map<string, bigint>} */
  const seenVersions = new Map();
  for (const { type, fn, process, upserts } of events) {
    if (type !== 'ok' || fn !== 'pull') continue;
    for (const { version, row } of upserts) {
      const place = `${process} ${row.id}`;
      if (BigInt(version) < (seenVersions.get(place) ?? 0n))
        findings.push({
          check: 'causal_order',
          what: `${process} saw ${row.id} go back to ${version}`,
        });
      seenVersions.set(place, BigInt(version));
      look(process, row, version);
    }
  }
  for (const row of rows.values()) look('server', row, null);
}

/**
 * Every edit with a verdict is in the final row, or gave way to a later one or to a decision that is in the
 * conflict log.
 *
 * @param {Map<string, Edit>} edits @param {Map<string, any>} rows @param {any[]} log @param {Finding[]} findings
 */
function kept(edits, rows, log, findings) {
  const logged = new Set(
    log.map((/** @type {any} */ entry) => `${entry.process}/${entry.seq} ${entry.column}`),
  );
  const all = [...edits.values()];
  /** @type {Map<string, Edit[]>} */
  const titled = groupBy(
    all.filter(({ sent }) => sent.patch?.title !== undefined),
    ({ sent }) => sent.key.id,
  );
  for (const { id, process, seq, mark, became, sent } of all) {
    const row = rows.get(sent.key.id);
    if (!row || !became || became === 'rejected' || sent.op === 'delete') continue;
    const { patch } = sent;
    /** @param {string} column @param {boolean} isThere */
    const expect = (column, isThere) => {
      if (!isThere)
        findings.push({ check: 'lost', what: `${id}: its ${column} is not in ${sent.key.id}` });
    };
    if (patch.tags) expect('tags', row.tags.includes(mark));
    if (patch.body !== undefined) expect('body', linesOf(row.body).includes(mark ?? ''));
    if (patch.best !== undefined)
      expect('best', row.best >= patch.best || logged.has(`${id} best`));
    if (patch.doc !== undefined) {
      const later = all.some(
        (other) =>
          other.process === process &&
          other.seq > seq &&
          other.sent.key.id === sent.key.id &&
          other.sent.patch?.doc,
      );
      expect('doc', later || row.doc[process] === patch.doc[process]);
    }
    if (patch.title !== undefined && row.title !== patch.title) {
      const winner = titled.get(sent.key.id)?.find((other) => other.sent.patch.title === row.title);
      const gaveWay = winner && BigInt(winner.sent.hlc) > BigInt(sent.hlc);
      expect('title', Boolean(gaveWay) || logged.has(`${id} title`));
    }
  }
}
