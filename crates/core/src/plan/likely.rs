//! Which mutations of a batch may be of one row although their keys are spelled differently.

use super::row_key::canonical;
use crate::json::{self, RawObject};
use crate::merge::{moment, number_identity};
use crate::tables::{KeyColumn, KeyKind};

/// Where the canonical text may not be the only one of a row: what all spellings that are known to mean
/// one key have in common. Different keys may share it.
pub(super) fn likely_row(key: &RawObject<'_>, columns: &[KeyColumn]) -> Option<String> {
    if columns.iter().all(|column| column.kind != KeyKind::Other) {
        return None;
    }
    let mut row = String::new();
    for column in columns {
        let (_, raw) = key.iter().find(|(name, _)| *name == column.name)?;
        let part = canonical(raw, column.kind)?;
        let is_loose = column.kind == KeyKind::Other;
        json::push_string(&mut row, &if is_loose { likely(&part) } else { part });
    }
    Some(row)
}

/// One text for the spellings of a time, of a number, and of a word in either case.
fn likely(text: &str) -> String {
    if let Some((seconds, nanoseconds)) = moment(text) {
        return format!("t{}.{}", seconds, nanoseconds / 1_000_000);
    }
    number_identity(text).unwrap_or_else(|| text.trim_ascii().to_ascii_lowercase())
}
