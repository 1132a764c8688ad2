//! From a batch to the fewest set-based statements that keep its meaning.
//!
//! A database works best on sets, a device thinks in single steps. The planner checks each mutation
//! on its own, rejects those that can never be applied together with what depends on them, and
//! gathers the others into [`Run`]s: mutations of one table, one kind and one set of columns, on
//! distinct rows, that one statement can apply. Nothing that depends on another mutation is moved
//! before it.

mod cascade;
mod check;
mod layout;
mod levels;
mod likely;
mod render;
mod row_key;
mod rows;
mod schedule;

use std::collections::HashMap;

use crate::batch::{Batch, Op};
use crate::error::CoreError;
use crate::json::{self, Members};
use crate::tables::{KeyColumn, Tables};

/// What to do with a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Seqs that were acknowledged before, ascending.
    pub duplicates: Vec<u64>,
    /// Mutations that can never be applied, by ascending seq.
    pub rejected: Vec<Rejected>,
    /// What to execute, in order.
    pub runs: Vec<Run>,
}

/// A mutation that can never be applied as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The mutation.
    pub seq: u64,
    /// SQLSTATE of the reason.
    pub code: &'static str,
    /// The reason for a person.
    pub message: String,
    /// For `PT424`: the seq that this one depended on.
    pub detail: Option<String>,
}

/// Mutations that one statement can apply: same table, kind and columns, distinct rows.
///
/// All vectors have one entry a mutation, in the same order as the elements of `rows`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Runs of one unit succeed or fail together; ascending from 0.
    pub unit: u32,
    /// Id of the table in the registry.
    pub table_id: i32,
    /// Kind.
    pub op: Op,
    /// Patched columns without key columns and generated ones, sorted.
    pub columns: Vec<String>,
    /// The mutations, ascending.
    pub seqs: Vec<u64>,
    /// Canonical row keys.
    pub keys: Vec<String>,
    /// Versions that the device saw.
    pub bases: Vec<Option<i64>>,
    /// Claimed clocks.
    pub hlcs: Vec<Option<u64>>,
    /// JSON array of objects: key columns, then `columns`.
    pub rows: String,
    /// JSON array of objects or nulls: values seen before, for `columns` only. `None` when no
    /// mutation brought any.
    pub befores: Option<String>,
    /// Seqs that each mutation requires. Empty when none of them requires any.
    pub after: Vec<Vec<u64>>,
    /// Priorities.
    pub priorities: Vec<i16>,
    /// Columns of the stored rows where these are known beforehand. For insertions `rows` then are the
    /// whole rows as Postgres will hold them; for other kinds it is 0 and every value is as stored.
    pub width: Option<usize>,
    /// Mutations whose row reads otherwise than the device wrote it: another spelling, and for insertions a column
    /// that it did not name. Empty when there are none.
    pub respelled: Vec<bool>,
    /// Whether every value of `rows` is one of its column's type, in the type's own spelling: what others wrote can
    /// be compared with it as it stands.
    pub spelled: bool,
    /// The atomic group, when the run belongs to one.
    pub group: Option<String>,
}

/// Plans a batch against the registry, for a device whose seqs up to `acked_seq` are done.
///
/// # Errors
/// [`CoreError::SequenceGap`] where the first new seq is not the one after `acked_seq`.
pub fn plan(batch: &Batch<'_>, tables: &Tables, acked_seq: u64) -> Result<Plan, CoreError> {
    let known = batch
        .mutations
        .partition_point(|mutation| mutation.seq <= acked_seq);
    let (done, fresh) = batch.mutations.split_at(known);
    if let Some(first) = fresh.first()
        && first.seq != acked_seq + 1
    {
        return Err(CoreError::SequenceGap {
            expected: acked_seq + 1,
            found: first.seq,
        });
    }
    let mut rejected = HashMap::new();
    let checked = check::check_all(fresh, tables, &mut rejected);
    let items = cascade::reject_dependents(fresh, checked.items, &mut rejected);
    let steps = schedule::schedule(fresh, &items, &checked.layouts, tables);
    let mut rejected: Vec<Rejected> = rejected.into_values().collect();
    rejected.sort_unstable_by_key(|rejection| rejection.seq);
    Ok(Plan {
        duplicates: done.iter().map(|mutation| mutation.seq).collect(),
        rejected,
        runs: render::render(fresh, items, &checked.layouts, tables, steps),
    })
}

/// The canonical text of a row key given as a JSON object; `None` where it does not hold exactly the
/// key columns in valid shape.
///
/// # Errors
/// [`CoreError::BadJson`] where the text is no object.
pub fn canonical_key(key: &str, columns: &[KeyColumn]) -> Result<Option<String>, CoreError> {
    let Members(key) = json::parse("key", key)?;
    Ok(row_key::row_key(&key, columns).map(|key| key.text))
}
