//! Whether Postgres will hand a value back exactly as it was sent: it is one of the type, in the type's own spelling.
//!
//! Where every value of a run is exact and no trigger can change the rows, the database need not read
//! them back to see what the device must be told.

use std::borrow::Cow;
use std::str::FromStr;

use serde::Deserialize;

/// Families of types with one obvious spelling on the wire. In the registry: one letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum ValueForm {
    /// `u`: uuid, lower case with hyphens.
    #[serde(rename = "u")]
    Uuid,
    /// `h`: 16-bit integer, a JSON number.
    #[serde(rename = "h")]
    SmallInt,
    /// `i`: 32-bit integer, a JSON number.
    #[serde(rename = "i")]
    Int,
    /// `l`: 64-bit integer, a JSON string of digits.
    #[serde(rename = "l")]
    LongInt,
    /// `b`: boolean.
    #[serde(rename = "b")]
    Bool,
    /// `s`: text without a length, or an enum label.
    #[serde(rename = "s")]
    Text,
    /// `z`: timestamptz in UTC, `2026-11-20T10:00:00.5+00:00`.
    #[serde(rename = "z")]
    Timestamp,
    /// `d`: date.
    #[serde(rename = "d")]
    Date,
    /// Anything else: not known to come back as sent.
    #[default]
    #[serde(other)]
    Other,
}

impl ValueForm {
    /// The raw JSON value as Postgres will spell it; `None` where that is not known beforehand.
    #[must_use]
    pub fn canonical(self, raw: &str) -> Option<Cow<'_, str>> {
        if self.is_exact(raw) {
            return Some(Cow::Borrowed(raw));
        }
        let string = raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match (self, string) {
            (ValueForm::Uuid, Some(text)) => {
                let lower = text.to_ascii_lowercase();
                is_uuid(&lower).then(|| Cow::Owned(format!("\"{lower}\"")))
            }
            (ValueForm::SmallInt | ValueForm::Int, Some(text)) => {
                self.is_exact(text).then_some(Cow::Borrowed(text))
            }
            (ValueForm::LongInt, None) => {
                is_integer::<i64>(raw).then(|| Cow::Owned(format!("\"{raw}\"")))
            }
            (ValueForm::Timestamp, Some(text)) => {
                let utc = text
                    .strip_suffix('Z')
                    .or_else(|| text.strip_suffix("+00:00"))?;
                let short = match utc.split_once('.') {
                    Some(_) => utc.trim_end_matches('0').trim_end_matches('.'),
                    None => utc,
                };
                let text = format!("\"{short}+00:00\"");
                self.is_exact(&text).then_some(Cow::Owned(text))
            }
            _ => None,
        }
    }

    /// Whether the raw JSON value is spelled as Postgres spells it.
    #[must_use]
    pub fn is_exact(self, raw: &str) -> bool {
        if raw == "null" {
            return true;
        }
        let string = raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match (self, string) {
            (ValueForm::Uuid, Some(text)) => is_uuid(text),
            (ValueForm::SmallInt, None) => is_integer::<i16>(raw),
            (ValueForm::Int, None) => is_integer::<i32>(raw),
            (ValueForm::LongInt, Some(text)) => is_integer::<i64>(text),
            (ValueForm::Bool, None) => matches!(raw, "true" | "false"),
            (ValueForm::Text, Some(_)) => true,
            (ValueForm::Timestamp, Some(text)) => is_timestamp(text),
            (ValueForm::Date, Some(text)) => is_date(text),
            _ => false,
        }
    }
}

fn is_uuid(text: &str) -> bool {
    matches_pattern(text.as_bytes(), b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn is_integer<T: FromStr>(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" && text == "0" || !digits.starts_with('0') && !digits.is_empty();
    plain && digits.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<T>().is_ok()
}

fn is_timestamp(text: &str) -> bool {
    let Some(text) = text.strip_suffix("+00:00") else {
        return false;
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "1"));
    let below = |from: usize, bound: u32| number(&seconds[from..from + 2]) < bound;
    matches_pattern(seconds.as_bytes(), b"dddd-dd-ddTdd:dd:dd")
        && is_date(&seconds[..10])
        && below(11, 24)
        && below(14, 60)
        && below(17, 60)
        && fraction.len() <= 6
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && fraction.bytes().last().is_some_and(|byte| byte != b'0')
}

/// A day that there is, after the year 0, which Postgres does not know.
fn is_date(text: &str) -> bool {
    if !matches_pattern(text.as_bytes(), b"dddd-dd-dd") {
        return false;
    }
    let (year, month, day) = (number(&text[..4]), number(&text[5..7]), number(&text[8..]));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    year > 0 && (1..=12).contains(&month) && (1..=days).contains(&day)
}

/// Of up to four digits.
fn number(digits: &str) -> u32 {
    digits.parse().unwrap_or(u32::MAX)
}

/// `d` stands for a digit, `x` for a lower-case hexadecimal digit, the rest for itself.
fn matches_pattern(text: &[u8], pattern: &[u8]) -> bool {
    text.len() == pattern.len()
        && text.iter().zip(pattern).all(|(byte, kind)| match kind {
            b'd' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_digit() || (b'a'..=b'f').contains(byte),
            _ => byte == kind,
        })
}

#[cfg(test)]
mod tests {
    use super::ValueForm::*;

    #[test]
    fn only_the_spelling_of_postgres_is_exact() {
        let cases = [
            (Uuid, r#""0198c5a0-0000-7000-8000-00000000000a""#, true),
            (Uuid, r#""0198C5A0-0000-7000-8000-00000000000A""#, false),
            (Int, "5", true),
            (Int, "-5", true),
            (Int, "0", true),
            (Int, "-0", false),
            (Int, "5.0", false),
            (Int, "5e1", false),
            (Int, "2147483647", true),
            (Int, "2147483648", false),
            (SmallInt, "-32768", true),
            (SmallInt, "32768", false),
            (LongInt, r#""9223372036854775807""#, true),
            (LongInt, r#""9223372036854775808""#, false),
            (Date, r#""2026-02-29""#, false),
            (Date, r#""2024-02-29""#, true),
            (Date, r#""1900-02-29""#, false),
            (Date, r#""2026-13-01""#, false),
            (Date, r#""2026-04-31""#, false),
            (Date, r#""2026-01-00""#, false),
            (Date, r#""0000-01-01""#, false),
            (Timestamp, r#""2026-02-30T10:00:00+00:00""#, false),
            (Timestamp, r#""2026-02-20T10:60:00+00:00""#, false),
            (Timestamp, r#""2026-02-20T10:00:99+00:00""#, false),
            (Timestamp, r#""2026-02-20T23:59:59+00:00""#, true),
            (Int, r#""5""#, false),
            (LongInt, r#""9007199254740993""#, true),
            (LongInt, r#""007""#, false),
            (LongInt, r#""""#, false),
            (LongInt, "5", false),
            (Bool, "true", true),
            (Bool, r#""t""#, false),
            (Text, r#""a\u00e9""#, true),
            (Text, "5", false),
            (Text, r#"{"a":1}"#, false),
            (Timestamp, r#""2026-11-20T10:00:00+00:00""#, true),
            (Timestamp, r#""2026-11-20T10:00:00.5+00:00""#, true),
            (Timestamp, r#""2026-11-20T10:00:00.50+00:00""#, false),
            (Timestamp, r#""2026-11-20T10:00:60+00:00""#, false),
            (Timestamp, r#""2026-11-20T10:00:00Z""#, false),
            (Date, r#""2026-11-20""#, true),
            (Date, r#""20261120""#, false),
            (Other, "1.50", false),
            (Other, "null", true),
        ];
        for (form, raw, expected) in cases {
            assert_eq!(form.is_exact(raw), expected, "{form:?} {raw}");
        }
    }

    #[test]
    fn other_spellings_are_foreseen_where_there_is_one_answer() {
        let cases = [
            (
                Timestamp,
                r#""2026-11-20T10:00:00.000Z""#,
                Some(r#""2026-11-20T10:00:00+00:00""#),
            ),
            (
                Timestamp,
                r#""2026-11-20T10:00:00.120Z""#,
                Some(r#""2026-11-20T10:00:00.12+00:00""#),
            ),
            (Timestamp, r#""2026-11-20T10:00:00.1234567Z""#, None),
            (Timestamp, r#""2026-11-20T24:00:00Z""#, None),
            (Timestamp, r#""2026-11-20T10:00:00+01:00""#, None),
            (
                Uuid,
                r#""0198C5A0-0000-7000-8000-00000000000A""#,
                Some(r#""0198c5a0-0000-7000-8000-00000000000a""#),
            ),
            (LongInt, "5", Some(r#""5""#)),
            (Int, r#""5""#, Some("5")),
            (Int, "5.0", None),
            (Other, "1.50", None),
        ];
        for (form, raw, expected) in cases {
            assert_eq!(form.canonical(raw).as_deref(), expected, "{form:?} {raw}");
        }
    }
}
