//! Which mutations of a batch may be of one row although their keys are spelled differently.

use super::row_key::canonical;
use crate::json::{self, RawObject};
use crate::merge::number_identity;
use crate::tables::{KeyColumn, KeyKind};
use crate::time::parse_utc_ms;

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
    if let Some(ms) = instant_ms(text) {
        return format!("t{ms}");
    }
    number_identity(text).unwrap_or_else(|| text.trim_ascii().to_ascii_lowercase())
}

/// Milliseconds since 1970 of a time with a zone or without one, which is UTC here.
fn instant_ms(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(['T', ' '])?;
    let (clock, minutes) = match clock.find(['+', '-']) {
        Some(at) => {
            let (clock, zone) = clock.split_at(at);
            let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "0"));
            let minutes = hours
                .parse::<i64>()
                .ok()?
                .checked_mul(60)?
                .checked_add(minutes.parse().ok()?)?;
            (
                clock,
                if zone.starts_with('-') {
                    -minutes
                } else {
                    minutes
                },
            )
        }
        None => (clock.trim_end_matches('Z'), 0),
    };
    let utc = parse_utc_ms(&format!("{date}T{clock}Z")).ok()?;
    utc.checked_sub(minutes.checked_mul(60_000)?)
}
