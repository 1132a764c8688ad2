//! Merging: the decision on a run, row diffs and column clocks.

use std::str::FromStr;

use offline_sync_core::batch::Op;
use offline_sync_core::diff;
use offline_sync_core::merge::{Action, Decided, Needs, TablePolicy, decide_run_watched};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::OrRaise;

/// Decides a run of updates, upserts or deletions; one row a mutation, in the order of the run.
///
/// `ord` counts from 1. `action` is `update`, `insert`, `delete`, `resurrect` or `nothing`; a refused
/// mutation has a `code` instead. `version` is the row's version before the run, `latest_hlc` the
/// later of `hlc` and the clock of the row's last change. `calls` are functions of
/// the owner that have to be asked: with their `answers` the run is decided again.
#[pg_extern(immutable, parallel_safe, schema = "offline_private")]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
pub fn decide_run(
    op: &str,
    policy: &str,
    device: &str,
    now_hlc: i64,
    bound_ms: i64,
    keys: Vec<String>,
    seqs: Vec<i64>,
    bases: Vec<Option<i64>>,
    hlcs: Vec<Option<i64>>,
    rows: &str,
    befores: Option<&str>,
    current: &str,
    states: &str,
    key_columns: Vec<String>,
    answers: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ord, i32),
            name!(action, &'static str),
            name!(status, &'static str),
            name!(version, Option<i64>),
            name!(hlc, i64),
            name!(latest_hlc, i64),
            name!(doc, String),
            name!(columns, Option<String>),
            name!(contested, Option<String>),
            name!(restamp, Option<Vec<String>>),
            name!(return_row, bool),
            name!(calls, Option<String>),
            name!(code, Option<&'static str>),
            name!(message, Option<&'static str>),
        ),
    >,
    ErrorReport,
> {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    let seqs: Vec<u64> = seqs.into_iter().map(unsigned).collect();
    let hlcs: Vec<Option<u64>> = hlcs.into_iter().map(|hlc| hlc.map(unsigned)).collect();
    let decided = decide_run_watched(
        Op::from_str(op).or_raise()?,
        policy,
        device,
        unsigned(now_hlc),
        unsigned(bound_ms),
        &keys,
        &seqs,
        &bases,
        &hlcs,
        rows,
        befores,
        current,
        states,
        &key_columns,
        answers,
        &|| {
            pgrx::check_for_interrupts!();
        },
    )
    .or_raise()?;
    let device = device.to_owned();
    let rows = decided.into_iter().zip(bases);
    Ok(TableIterator::new(rows.map(move |(decided, base)| {
        decided_row(&decided, &device, base)
    })))
}

#[allow(clippy::type_complexity)]
fn decided_row(
    decided: &Decided,
    device: &str,
    base: Option<i64>,
) -> (
    i32,
    &'static str,
    &'static str,
    Option<i64>,
    i64,
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<Vec<String>>,
    bool,
    Option<String>,
    Option<&'static str>,
    Option<&'static str>,
) {
    let decision = &decided.decision;
    let (action, code, message) = match decision.action {
        Action::Update => ("update", None, None),
        Action::Insert => ("insert", None, None),
        Action::Delete => ("delete", None, None),
        Action::Resurrect => ("resurrect", None, None),
        Action::Nothing => ("nothing", None, None),
        Action::Reject { code, message } => ("reject", Some(code), Some(message)),
    };
    (
        i32::try_from(decided.ord + 1).unwrap_or(i32::MAX),
        action,
        decision.status.as_str(),
        decided.version,
        i64::try_from(decision.hlc).unwrap_or(i64::MAX),
        i64::try_from(decided.latest_hlc).unwrap_or(i64::MAX),
        decided.row_json(),
        decided.columns_json(),
        decided.contested_json(),
        (!decision.restamp.is_empty()).then(|| decision.restamp.clone()),
        decision.return_row,
        decided.calls_json(device, base),
        code,
        message,
    )
}

/// Refuses a policy that does not exist (`22023`).
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn check_policy(policy: &str) -> Result<(), ErrorReport> {
    TablePolicy::parse(policy).map(drop).or_raise()
}

/// What the decision on a run looks at besides rows and states: columns whose value at the base the
/// device does not tell, columns whose history since then counts, and columns of whose history only the writers do; null for
/// none.
#[pg_extern(immutable, parallel_safe, schema = "offline_private")]
#[allow(clippy::type_complexity)]
pub fn decision_needs(
    policy: &str,
    columns: Vec<String>,
    befores: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(base_columns, Option<Vec<String>>),
            name!(trail_columns, Option<Vec<String>>),
            name!(write_columns, Option<Vec<String>>),
        ),
    >,
    ErrorReport,
> {
    let Needs {
        base,
        trail,
        writes,
    } = Needs::of(policy, &columns, befores).or_raise()?;
    let some = |columns: Vec<String>| (!columns.is_empty()).then_some(columns);
    Ok(TableIterator::once((some(base), some(trail), some(writes))))
}

/// What changed between two rows: `{old object, new object, changed columns …}`, null if nothing did.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn row_diff(old: &str, new: &str) -> Result<Option<Vec<String>>, ErrorReport> {
    let found = diff::row_diff(old, new).or_raise()?;
    Ok(found.map(|found| {
        let mut parts = vec![found.old, found.new];
        parts.extend(found.columns);
        parts
    }))
}

/// Clocks of columns written together, as JSON object text.
#[pg_extern(immutable, parallel_safe, schema = "offline_private")]
pub fn stamp_columns(
    columns: Option<Vec<String>>,
    version: i64,
    hlc: i64,
    device: Option<&str>,
) -> String {
    diff::stamp_columns(&columns.unwrap_or_default(), version, hlc, device)
}
