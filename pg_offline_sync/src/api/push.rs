//! Push: from the batch text to runs, and from what the database reports to results.

use offline_sync_core::batch::{Batch, parse_batch};
use offline_sync_core::plan::{Plan, Rejected, Run, plan};
use offline_sync_core::results::{self, Finished, Outcomes};
use offline_sync_core::tables::Tables;
use offline_sync_core::time::parse_utc_ms;
use offline_sync_core::{CoreError, log, slice};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::context::with_context;
use crate::error::{OrRaise, internal_error};
use crate::settings;

/// One row of the plan, in the column order of the SQL type `push_run`.
#[derive(Default)]
struct Row {
    unit: i32,
    kind: &'static str,
    table_id: Option<i32>,
    op: Option<&'static str>,
    columns: Option<Vec<String>>,
    seqs: Vec<i64>,
    keys: Option<Vec<String>>,
    bases: Option<Vec<Option<i64>>>,
    hlcs: Option<Vec<Option<i64>>>,
    rows: Option<String>,
    befores: Option<String>,
    after_seqs: Option<String>,
    width: Option<i32>,
    respelled: Option<Vec<bool>>,
    spelled: bool,
    group_name: Option<String>,
    code: Option<&'static str>,
    message: Option<String>,
    detail: Option<String>,
}

/// Plans a batch: first a row of kind `head` (last seq, largest clock, time sent in ms), then what to
/// do in order, kinds `duplicate`, `rejected` and `run`; or one row of kind `error`.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
#[allow(clippy::type_complexity)]
pub fn plan_push(
    batch: &str,
    tables: &str,
    acked_seq: i64,
) -> TableIterator<
    'static,
    (
        name!(unit, i32),
        name!(kind, &'static str),
        name!(table_id, Option<i32>),
        name!(op, Option<&'static str>),
        name!(columns, Option<Vec<String>>),
        name!(seqs, Vec<i64>),
        name!(keys, Option<Vec<String>>),
        name!(bases, Option<Vec<Option<i64>>>),
        name!(hlcs, Option<Vec<Option<i64>>>),
        name!(rows, Option<String>),
        name!(befores, Option<String>),
        name!(after_seqs, Option<String>),
        name!(width, Option<i32>),
        name!(respelled, Option<Vec<bool>>),
        name!(spelled, bool),
        name!(group_name, Option<String>),
        name!(code, Option<&'static str>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
    ),
> {
    let rows = plan_rows(batch, tables, acked_seq).unwrap_or_else(|error| vec![error_row(&error)]);
    TableIterator::new(rows.into_iter().map(|row| {
        (
            row.unit,
            row.kind,
            row.table_id,
            row.op,
            row.columns,
            row.seqs,
            row.keys,
            row.bases,
            row.hlcs,
            row.rows,
            row.befores,
            row.after_seqs,
            row.width,
            row.respelled,
            row.spelled,
            row.group_name,
            row.code,
            row.message,
            row.detail,
        )
    }))
}

fn plan_rows(batch: &str, tables: &str, acked_seq: i64) -> Result<Vec<Row>, CoreError> {
    let batch = parse_batch(batch, &settings::batch_limits())?;
    let tables = Tables::parse(tables)?;
    let head = head_row(&batch)?;
    let Plan {
        duplicates,
        rejected,
        runs,
    } = plan(&batch, &tables, unsigned(acked_seq))?;
    let mut rows = vec![head];
    if !duplicates.is_empty() {
        rows.push(Row {
            unit: -1,
            kind: "duplicate",
            seqs: signed(&duplicates),
            ..Row::default()
        });
    }
    rows.extend(rejected.into_iter().map(rejected_row));
    rows.extend(runs.into_iter().map(run_row));
    Ok(rows)
}

fn head_row(batch: &Batch<'_>) -> Result<Row, CoreError> {
    let last = batch.mutations.last().map_or(0, |mutation| mutation.seq);
    let latest = batch
        .mutations
        .iter()
        .filter_map(|mutation| mutation.hlc)
        .max();
    let sent_ms = batch.sent_at.as_deref().map(parse_utc_ms).transpose()?;
    Ok(Row {
        unit: -3,
        kind: "head",
        seqs: signed(&[last]),
        hlcs: Some(vec![latest.map(|hlc| as_i64(hlc.0))]),
        bases: Some(vec![sent_ms]),
        ..Row::default()
    })
}

fn rejected_row(rejected: Rejected) -> Row {
    Row {
        unit: -2,
        kind: "rejected",
        seqs: signed(&[rejected.seq]),
        code: Some(rejected.code),
        message: Some(rejected.message),
        detail: rejected.detail,
        ..Row::default()
    }
}

fn run_row(run: Run) -> Row {
    let after = (!run.after.is_empty()).then(|| format!("{:?}", run.after));
    Row {
        unit: i32::try_from(run.unit).unwrap_or(i32::MAX),
        kind: "run",
        table_id: Some(run.table_id),
        op: Some(run.op.as_str()),
        columns: Some(run.columns),
        seqs: signed(&run.seqs),
        keys: Some(run.keys),
        bases: Some(run.bases),
        hlcs: Some(run.hlcs.iter().map(|hlc| hlc.map(as_i64)).collect()),
        rows: Some(run.rows),
        befores: run.befores,
        after_seqs: after,
        width: run.width.and_then(|width| i32::try_from(width).ok()),
        respelled: (!run.respelled.is_empty()).then_some(run.respelled),
        spelled: run.spelled,
        group_name: run.group,
        ..Row::default()
    }
}

fn error_row(error: &CoreError) -> Row {
    Row {
        kind: "error",
        code: Some(error.sqlstate()),
        message: Some(error.to_string()),
        detail: error.detail(),
        group_name: error.hint().map(str::to_owned),
        ..Row::default()
    }
}

fn as_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn signed(values: &[u64]) -> Vec<i64> {
    values.iter().map(|value| as_i64(*value)).collect()
}

/// The text of some mutations of a batch as the device wrote them, to be kept.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
pub fn extract_mutations(
    batch: &str,
    seqs: Vec<i64>,
) -> Result<TableIterator<'static, (name!(seq, i64), name!(mutation, String))>, ErrorReport> {
    let wanted: std::collections::BTreeSet<u64> = seqs.into_iter().map(unsigned).collect();
    let found = slice::extract_mutations(batch, &wanted).or_raise()?;
    Ok(TableIterator::new(
        found.into_iter().map(|(seq, text)| (as_i64(seq), text)),
    ))
}

/// Elements `[from, to)` of a JSON array, counted from 0, unchanged to the letter.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn slice_json_array(array: &str, from: i32, to: i32) -> Result<String, ErrorReport> {
    let index = |value: i32| usize::try_from(value).unwrap_or_default();
    slice::slice_json_array(array, index(from), index(to)).or_raise()
}

/// Renders the results of a run; one JSON object text a mutation. What capture stamped is taken from
/// the context.
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
#[allow(clippy::too_many_arguments)]
pub fn render_results(
    token: i64,
    seqs: Vec<i64>,
    keys: Vec<String>,
    statuses: Vec<String>,
    versions: Option<Vec<Option<i64>>>,
    columns: Option<Vec<Option<String>>>,
    return_row: Option<Vec<bool>>,
    conflicts: Option<Vec<Option<String>>>,
    sent: Option<&str>,
    whole_rows: bool,
    sent_is_stored: bool,
    doc_keys: Option<Vec<String>>,
    docs: Option<Vec<String>>,
) -> Result<Vec<String>, ErrorReport> {
    let rendered = with_context(token, |context| {
        results::render_results(&Finished {
            seqs: &seqs,
            keys: &keys,
            statuses: &statuses,
            versions: versions.as_deref(),
            columns: columns.as_deref(),
            return_row: return_row.as_deref(),
            conflicts: conflicts.as_deref(),
            sent,
            whole_rows,
            sent_is_stored,
            outcomes: Outcomes {
                keys: &context.out_keys,
                versions: &context.out_versions,
                extra: &context.out_extra,
                scopes: &context.out_scopes,
            },
            doc_keys: doc_keys.as_deref().unwrap_or_default(),
            docs: docs.as_deref().unwrap_or_default(),
        })
    });
    rendered
        .ok_or_else(|| internal_error("the push context is gone".to_owned()))?
        .or_raise()
}

/// Ids of the conflicts of a run, null for mutations without one. They follow one another from a random
/// one: their entries lie side by side in the index, and one number is drawn a run instead of one each.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn conflict_ids(seed: &str, contested: Vec<Option<String>>) -> Vec<Option<String>> {
    let ids = contested.iter().zip(0..);
    ids.map(|(entries, at)| entries.as_ref().map(|_| log::conflict_id(seed, at)))
        .collect()
}

/// The conflict log's entries of a run; `contested` has a JSON array or null for each mutation. Bases are those that the device
/// told (`befores`).
#[pg_extern(immutable, parallel_safe, schema = "offline_private")]
#[allow(clippy::type_complexity)]
pub fn conflict_entries(
    seed: &str,
    keys: Vec<String>,
    seqs: Vec<i64>,
    versions: Vec<Option<i64>>,
    contested: Vec<Option<String>>,
    bases: Vec<Option<i64>>,
    befores: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(conflict_id, String),
            name!(row_key, String),
            name!(seq, i64),
            name!(version, Option<i64>),
            name!(column_name, String),
            name!(base, Option<String>),
            name!(mine, Option<String>),
            name!(theirs, Option<String>),
            name!(policy, String),
            name!(outcome, String),
            name!(overlap, bool),
        ),
    >,
    ErrorReport,
> {
    let mut rows = Vec::new();
    for (at, entries) in log::run_entries(&contested, &bases, befores).or_raise()? {
        let (Some(key), Some(seq), Some(version)) = (keys.get(at), seqs.get(at), versions.get(at))
        else {
            continue;
        };
        let id = log::conflict_id(seed, at);
        for entry in entries {
            rows.push((
                id.clone(),
                key.clone(),
                *seq,
                *version,
                entry.column,
                entry.base,
                entry.mine,
                entry.theirs,
                entry.policy,
                entry.outcome,
                entry.overlap,
            ));
        }
    }
    Ok(TableIterator::new(rows))
}

/// Joins the results of a batch with commas, ordered by seq.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn join_results(results: Vec<String>) -> Result<String, ErrorReport> {
    results::join_results(&results).or_raise()
}
