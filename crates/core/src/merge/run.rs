//! Decisions on a whole run, as the database holds it: arrays and JSON.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::decide::decide;
use super::decision::{Answer, Context, Decision, Incoming};
use super::policy::TablePolicy;
use super::state::RowState;
use crate::batch::Op;
use crate::error::CoreError;
use crate::json::{self, Members, RawObject};

/// The decision on one mutation of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Position in the run, from 0.
    pub ord: usize,
    /// The mutation.
    pub seq: u64,
    /// Canonical row key.
    pub key: String,
    /// Version of the row before the run; `None` when the server knows no such row.
    pub version: Option<i64>,
    /// The later of the decision's clock and that of the row's last change: what a device that is shown the
    /// row has to be ahead of.
    pub latest_hlc: u64,
    /// What to do.
    pub decision: Decision,
    /// Raw values of the key columns.
    key_values: Vec<(String, String)>,
}

impl Decided {
    /// The key columns and the final values of the patched columns as a JSON object.
    #[must_use]
    pub fn row_json(&self) -> String {
        object(
            self.key_values
                .iter()
                .chain(&self.decision.row)
                .map(|(n, v)| (n.as_str(), v.as_str())),
        )
    }

    /// Questions to functions of the owner as a JSON array of `{"column", "function", "base", "mine",
    /// "theirs", "context"}`, `None` when there are none. `context` is `{"key", "column", "device",
    /// "base_version", "version", "hlc", "their_hlc", "their_device"}`, its numbers as strings.
    #[must_use]
    pub fn calls_json(&self, device: &str, base: Option<i64>) -> Option<String> {
        if self.decision.calls.is_empty() {
            return None;
        }
        let number = |n: Option<i64>| n.map_or("null".to_owned(), |n| format!("\"{n}\""));
        let mut out = String::from("[");
        for call in &self.decision.calls {
            if out.len() > 1 {
                out.push(',');
            }
            let context = [
                ("key", json::quoted(&self.key)),
                ("column", json::quoted(&call.column)),
                ("device", json::quoted(device)),
                ("base_version", number(base)),
                ("version", number(self.version)),
                ("hlc", format!("\"{}\"", self.decision.hlc)),
                ("their_hlc", number(Some(call.their_hlc))),
                (
                    "their_device",
                    call.their_device
                        .as_deref()
                        .map_or("null".to_owned(), json::quoted),
                ),
            ];
            let members = [
                ("column", json::quoted(&call.column)),
                ("function", json::quoted(&call.function)),
                (
                    "base",
                    call.base.clone().unwrap_or_else(|| "null".to_owned()),
                ),
                ("mine", call.mine.clone()),
                ("theirs", call.theirs.clone()),
                (
                    "context",
                    object(context.iter().map(|(n, v)| (*n, v.as_str()))),
                ),
            ];
            out.push_str(&object(members.iter().map(|(n, v)| (*n, v.as_str()))));
        }
        out.push(']');
        Some(out)
    }

    /// How the contested columns went as a JSON object, `None` when there were none.
    #[must_use]
    pub fn columns_json(&self) -> Option<String> {
        let columns = &self.decision.columns;
        let quoted: Vec<String> = columns
            .values()
            .map(|outcome| format!("\"{}\"", outcome.as_str()))
            .collect();
        let names = columns.keys().map(String::as_str);
        let members = names.zip(quoted.iter().map(String::as_str));
        (!columns.is_empty()).then(|| object(members))
    }

    /// The conflict log's entries as a JSON array of `{"column", "base", "base_known", "mine",
    /// "theirs", "policy", "outcome"}` and `"overlap": true` where both sides changed the same words,
    /// `None` when there are none.
    #[must_use]
    pub fn contested_json(&self) -> Option<String> {
        if self.decision.contested.is_empty() {
            return None;
        }
        let mut out = String::from("[");
        for entry in &self.decision.contested {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str("{\"column\":");
            json::push_string(&mut out, &entry.column);
            out.push_str(",\"base\":");
            out.push_str(entry.base.as_deref().unwrap_or("null"));
            out.push_str(if entry.base_known {
                ",\"base_known\":true"
            } else {
                ",\"base_known\":false"
            });
            out.push_str(",\"mine\":");
            out.push_str(&entry.mine);
            out.push_str(",\"theirs\":");
            out.push_str(&entry.theirs);
            out.push_str(",\"policy\":");
            json::push_string(&mut out, &entry.policy);
            out.push_str(",\"outcome\":");
            json::push_string(&mut out, entry.outcome.as_str());
            if entry.overlap {
                out.push_str(",\"overlap\":true");
            }
            out.push('}');
        }
        out.push(']');
        Some(out)
    }
}

fn object<'m>(members: impl Iterator<Item = (&'m str, &'m str)>) -> String {
    let mut out = String::from("{");
    for (name, value) in members {
        json::push_key(&mut out, name);
        out.push_str(value);
    }
    out.push('}');
    out
}

/// An answer of a function about one column of one mutation, by its place in the run from 1.
#[derive(Deserialize)]
struct WireAnswer<'a> {
    ord: usize,
    #[serde(borrow)]
    column: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    value: Option<&'a RawValue>,
}

/// A locked row that the caller may see.
#[derive(Deserialize)]
struct CurrentRow<'a> {
    #[serde(borrow)]
    k: Cow<'a, str>,
    #[serde(borrow)]
    r: Members<'a>,
}

/// Decides a run.
///
/// `keys`, `seqs`, `bases`, `hlcs` and the arrays `rows` and `befores` are those of a
/// [`crate::plan::Run`]. `current` is a JSON array of `{"k": row key, "r": {column: value}}` of the
/// locked rows that the caller may see (whole rows where `op` is a deletion); `states` a JSON array
/// of [`RowState`]. Both may be in any order and lack rows. `answers` is a JSON array of `{"ord",
/// "column", "value"}`: what functions of the owner said to the [`Decided::calls_json`] of an earlier
/// call with the same arguments; without `value` the function failed, or the column could not hold what was
/// merged, and a person decides. The decisions are in the order of the run.
///
/// # Errors
/// [`CoreError::BadJson`], [`CoreError::UnknownPolicy`] or [`CoreError::RunMismatch`] where an
/// argument is malformed.
#[allow(clippy::too_many_arguments)]
pub fn decide_run(
    op: Op,
    policy_json: &str,
    device: &str,
    now_hlc: u64,
    bound_ms: u64,
    keys: &[String],
    seqs: &[u64],
    bases: &[Option<i64>],
    hlcs: &[Option<u64>],
    rows: &str,
    befores: Option<&str>,
    current: &str,
    states: &str,
    key_columns: &[String],
    answers: Option<&str>,
) -> Result<Vec<Decided>, CoreError> {
    decide_run_watched(
        op,
        policy_json,
        device,
        now_hlc,
        bound_ms,
        keys,
        seqs,
        bases,
        hlcs,
        rows,
        befores,
        current,
        states,
        key_columns,
        answers,
        &|| {},
    )
}

/// The same, calling `watch` before each mutation: a caller that may have to stop can unwind from there.
///
/// # Errors
/// Those of [`decide_run`].
#[allow(clippy::too_many_arguments)]
pub fn decide_run_watched(
    op: Op,
    policy_json: &str,
    device: &str,
    now_hlc: u64,
    bound_ms: u64,
    keys: &[String],
    seqs: &[u64],
    bases: &[Option<i64>],
    hlcs: &[Option<u64>],
    rows: &str,
    befores: Option<&str>,
    current: &str,
    states: &str,
    key_columns: &[String],
    answers: Option<&str>,
    watch: &dyn Fn(),
) -> Result<Vec<Decided>, CoreError> {
    let policy = TablePolicy::parse(policy_json)?;
    let ctx = Context {
        op,
        policy: &policy,
        device,
        now_hlc,
        bound_ms,
    };
    let rows: Vec<Members<'_>> = json::parse("run rows", rows)?;
    let mut befores: Vec<Option<Members<'_>>> = match befores {
        Some(befores) => json::parse("run befores", befores)?,
        None => Vec::new(),
    };
    befores.resize_with(
        if befores.is_empty() {
            rows.len()
        } else {
            befores.len()
        },
        || None,
    );
    let lengths = [
        ("seqs", seqs.len()),
        ("bases", bases.len()),
        ("hlcs", hlcs.len()),
        ("rows", rows.len()),
    ];
    for (what, found) in lengths.into_iter().chain([("befores", befores.len())]) {
        if found != keys.len() {
            return Err(CoreError::RunMismatch {
                what,
                expected: keys.len(),
                found,
            });
        }
    }
    let current = visible_rows(current, key_columns)?;
    let states: Vec<RowState<'_>> = json::parse("row states", states)?;
    let states: HashMap<&str, &RowState<'_>> = states
        .iter()
        .map(|state| (state.key.as_ref(), state))
        .collect();
    let mut answered: HashMap<usize, Vec<Answer<'_>>> = HashMap::new();
    let answers: Vec<WireAnswer<'_>> = match answers {
        Some(answers) => json::parse("answers", answers)?,
        None => Vec::new(),
    };
    for WireAnswer { ord, column, value } in answers {
        let of_mutation = answered.entry(ord).or_default();
        of_mutation.push(Answer { column, value });
    }
    let members = rows.into_iter().zip(befores);
    let decided = members.enumerate().map(|(ord, (Members(row), before))| {
        watch();
        let (key_values, patch) = split(row, key_columns);
        let incoming = Incoming {
            seq: seqs[ord],
            key: &keys[ord],
            base: bases[ord],
            hlc: hlcs[ord],
            patch,
            before: before.map(|members| members.0),
            answers: answered.remove(&(ord + 1)).unwrap_or_default(),
        };
        let key = keys[ord].as_str();
        let state = states.get(key).copied();
        let decision = decide(&ctx, &incoming, current.get(key), state);
        let row_hlc = state.and_then(|state| u64::try_from(state.hlc).ok());
        Decided {
            ord,
            seq: seqs[ord],
            key: key.to_owned(),
            version: state.map(|state| state.version),
            latest_hlc: decision.hlc.max(row_hlc.unwrap_or(0)),
            decision,
            key_values,
        }
    });
    Ok(decided.collect())
}

fn visible_rows<'a>(
    current: &'a str,
    key_columns: &[String],
) -> Result<HashMap<Cow<'a, str>, RawObject<'a>>, CoreError> {
    let rows: Vec<CurrentRow<'a>> = json::parse("current rows", current)?;
    let is_key = |name: &str| key_columns.iter().any(|column| column == name);
    let without_key = |row: CurrentRow<'a>| {
        let Members(mut values) = row.r;
        values.retain(|(name, _)| !is_key(name));
        (row.k, values)
    };
    Ok(rows.into_iter().map(without_key).collect())
}

/// Separates the key columns of a row from the patched ones.
fn split<'a>(row: RawObject<'a>, key_columns: &[String]) -> (Vec<(String, String)>, RawObject<'a>) {
    let (key, patch): (RawObject<'a>, RawObject<'a>) = row
        .into_iter()
        .partition(|(name, _)| key_columns.iter().any(|column| column == name));
    let owned = key
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.get().to_owned()));
    (owned.collect(), patch)
}
