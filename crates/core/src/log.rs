//! Entries of the conflict log, from the text that the decision wrote.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::CoreError;
use crate::json::{self, Members};

/// How one contested column went; values are JSON texts, `None` where there is no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Column.
    pub column: String,
    /// Value that the device saw before its edit, as it told; `null` for a row that it never saw. `None` where it did not
    /// tell: what the history has at the version that it names is not for whoever names a version.
    pub base: Option<String>,
    /// Value that the device sent.
    pub mine: Option<String>,
    /// Value that the server had.
    pub theirs: Option<String>,
    /// Policy that decided.
    pub policy: String,
    /// What it decided.
    pub outcome: String,
    /// Whether both sides changed the same words of a text.
    pub overlap: bool,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    column: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    base: Option<&'a RawValue>,
    base_known: Option<bool>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    mine: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    theirs: Option<&'a RawValue>,
    #[serde(borrow)]
    policy: Cow<'a, str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    #[serde(default)]
    overlap: bool,
}

/// Reads the entries of a run by mutation, counted from 0. `contested`, `bases` and `befores` have an item for each mutation: its
/// entries, the version that it names, and (a JSON array) what the device says that it saw.
///
/// # Errors
/// [`CoreError::BadJson`] where a text is not what [`crate::merge::Decided::contested_json`] or the planner writes.
pub fn run_entries(
    contested: &[Option<String>],
    bases: &[Option<i64>],
    befores: Option<&str>,
) -> Result<Vec<(usize, Vec<Entry>)>, CoreError> {
    let befores: Vec<Option<Members<'_>>> = match befores {
        Some(befores) => json::parse("run befores", befores)?,
        None => Vec::new(),
    };
    let of_mutation = |(at, entries): (usize, &Option<String>)| {
        let entries = entries.as_ref()?;
        let never_saw = bases.get(at).is_none_or(Option::is_none);
        let is_told = |column: &str| {
            let seen = befores.get(at).and_then(Option::as_ref);
            never_saw || seen.is_some_and(|Members(seen)| json::member(seen, column).is_some())
        };
        Some(parse_entries(entries, is_told).map(|entries| (at, entries)))
    };
    contested
        .iter()
        .enumerate()
        .filter_map(of_mutation)
        .collect()
}

/// Reads the entries of one mutation; `is_told`: whether the base of a column comes from the device.
fn parse_entries(text: &str, is_told: impl Fn(&str) -> bool) -> Result<Vec<Entry>, CoreError> {
    let entries: Vec<Wire<'_>> = json::parse("contested columns", text)?;
    let text = |value: Option<&RawValue>| value.map(|value| value.get().to_owned());
    let entries = entries.into_iter().map(|entry| {
        Ok(Entry {
            base: text(entry.base)
                .filter(|_| entry.base_known != Some(false) && is_told(&entry.column)),
            mine: text(entry.mine),
            theirs: text(entry.theirs),
            column: storable(entry.column)?,
            policy: storable(entry.policy)?,
            outcome: storable(entry.outcome)?,
            overlap: entry.overlap,
        })
    });
    entries.collect()
}

/// Postgres has no text with a zero character, and must not be given one.
fn storable(name: Cow<'_, str>) -> Result<String, CoreError> {
    if name.contains('\0') {
        return Err(CoreError::BadJson {
            document: "contested columns",
            reason: "a name with a zero character".to_owned(),
            line: 0,
            column: 0,
        });
    }
    Ok(name.into_owned())
}

/// The id of the conflict at a place of a run: `seed`, a random UUID, counted on in its last 48 bits. A text that is no UUID
/// comes back as it is.
#[must_use]
pub fn conflict_id(seed: &str, at: usize) -> String {
    let Some((head, tail)) = seed.split_at_checked(24) else {
        return seed.to_owned();
    };
    match u64::from_str_radix(tail, 16) {
        Ok(number) => {
            let counted = number.wrapping_add(at as u64) & 0xffff_ffff_ffff;
            format!("{head}{counted:012x}")
        }
        Err(_) => seed.to_owned(),
    }
}
