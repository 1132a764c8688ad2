//! Canonical text of row keys: one row, one spelling.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::json::{self, RawObject};
use crate::tables::{KeyColumn, KeyKind};

/// The canonical text of a key and its columns as the inside of a JSON object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowKey {
    pub text: String,
    pub fields: String,
}

/// Reads a key object; `None` where it does not hold exactly the key columns in valid shape.
pub(super) fn row_key(key: &RawObject<'_>, columns: &[KeyColumn]) -> Option<RowKey> {
    if key.len() != columns.len() {
        return None;
    }
    let mut fields = String::with_capacity(columns.len() * 48);
    if let [column] = columns {
        let (_, raw) = key.first().filter(|(name, _)| *name == column.name)?;
        let text = canonical(raw, column.kind)?;
        push_field(&mut fields, column, &text, raw);
        return Some(RowKey { text, fields });
    }
    let mut text = String::from("[");
    for column in columns {
        let (_, raw) = key.iter().find(|(name, _)| *name == column.name)?;
        let part = canonical(raw, column.kind)?;
        if text.len() > 1 {
            text.push(',');
        }
        json::push_string(&mut text, &part);
        push_field(&mut fields, column, &part, raw);
    }
    text.push(']');
    Some(RowKey { text, fields })
}

fn push_field(fields: &mut String, column: &KeyColumn, canonical: &str, raw: &RawValue) {
    if !fields.is_empty() {
        fields.push(',');
    }
    json::push_string(fields, &column.name);
    fields.push(':');
    match column.kind {
        KeyKind::Uuid | KeyKind::Int => json::push_string(fields, canonical),
        KeyKind::Text | KeyKind::Other => fields.push_str(raw.get()),
    }
}

/// The canonical text of one key value; `None` for null, arrays, objects and the wrong shape.
pub(super) fn canonical(raw: &RawValue, kind: KeyKind) -> Option<String> {
    let raw = raw.get();
    if raw == "null" || raw.starts_with(['{', '[']) {
        return None;
    }
    let text = if raw.starts_with('"') {
        json::string_text(raw)?
    } else if matches!(kind, KeyKind::Int | KeyKind::Other) {
        Cow::Borrowed(raw)
    } else {
        return None;
    };
    match kind {
        KeyKind::Uuid => canonical_uuid(&text),
        KeyKind::Int => canonical_int(&text),
        KeyKind::Text | KeyKind::Other => Some(text.into_owned()),
    }
}

/// 32 hexadecimal digits, with the usual four hyphens or with none, to lower case with hyphens.
fn canonical_uuid(text: &str) -> Option<String> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let bytes = text.as_bytes();
    let hyphenated = bytes.len() == 36 && HYPHENS.iter().all(|at| bytes[*at] == b'-');
    if !hyphenated && bytes.len() != 32 {
        return None;
    }
    let mut out = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if hyphenated && HYPHENS.contains(&at) {
            continue;
        }
        if !byte.is_ascii_hexdigit() {
            return None;
        }
        if HYPHENS.contains(&out.len()) {
            out.push('-');
        }
        out.push(char::from(byte.to_ascii_lowercase()));
    }
    Some(out)
}

/// Digits with an optional minus sign, within `i64`.
fn canonical_int(text: &str) -> Option<String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>().ok().map(|value| value.to_string())
}
