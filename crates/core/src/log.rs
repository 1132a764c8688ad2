//! Entries of the conflict log, from the text that the decision wrote.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::CoreError;
use crate::json;

/// How one contested column went; values are JSON texts, `None` where there is no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Column.
    pub column: String,
    /// Value that the device built on.
    pub base: Option<String>,
    /// Value that the device sent.
    pub mine: Option<String>,
    /// Value that the server had.
    pub theirs: Option<String>,
    /// Policy that decided.
    pub policy: String,
    /// What it decided.
    pub outcome: String,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    column: Cow<'a, str>,
    // Not Option<&RawValue>, which would take a null value for a missing one.
    #[serde(borrow, default)]
    base: Raw<'a>,
    #[serde(borrow, default)]
    mine: Raw<'a>,
    #[serde(borrow, default)]
    theirs: Raw<'a>,
    #[serde(borrow)]
    policy: Cow<'a, str>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
}

#[derive(Default)]
struct Raw<'a>(Option<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Raw(Some(<&RawValue>::deserialize(deserializer)?)))
    }
}

impl Raw<'_> {
    fn text(&self) -> Option<String> {
        self.0.map(|value| value.get().to_owned())
    }
}

/// Reads the entries of one mutation.
///
/// # Errors
/// [`CoreError::BadJson`] where the text is not what [`crate::merge::Decided::contested_json`] writes.
pub fn parse_entries(text: &str) -> Result<Vec<Entry>, CoreError> {
    let entries: Vec<Wire<'_>> = json::parse("contested columns", text)?;
    let entries = entries.into_iter().map(|entry| {
        Ok(Entry {
            base: entry.base.text(),
            mine: entry.mine.text(),
            theirs: entry.theirs.text(),
            column: storable(entry.column)?,
            policy: storable(entry.policy)?,
            outcome: storable(entry.outcome)?,
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
