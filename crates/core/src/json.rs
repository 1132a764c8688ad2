//! Reading and writing JSON text without touching the values inside.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use crate::error::CoreError;

/// The members of a JSON object in their order, each value as its raw text.
pub type RawObject<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

/// The raw text of the member called `name`.
pub(crate) fn member<'a>(object: &RawObject<'a>, name: &str) -> Option<&'a str> {
    object
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.get())
}

/// Parses a whole document that the database or a device handed over.
pub(crate) fn parse<'a, T: Deserialize<'a>>(
    document: &'static str,
    text: &'a str,
) -> Result<T, CoreError> {
    serde_json::from_str(text).map_err(|error| CoreError::bad_json(document, &error))
}

/// The same for a document that is an object. Derived structs would take an array of their fields too.
pub(crate) fn parse_object<'a, T: Deserialize<'a>>(
    document: &'static str,
    text: &'a str,
) -> Result<T, CoreError> {
    if !text.trim_start().starts_with('{') {
        let reason = "expected an object".to_owned();
        return Err(CoreError::BadJson {
            document,
            reason,
            line: 0,
            column: 0,
        });
    }
    parse(document, text)
}

/// A name: any JSON string, borrowed where it holds no escapes.
///
/// A lone surrogate has no Unicode text. It becomes U+0000, which Postgres cannot store either, so
/// that it costs one mutation its acceptance and not the whole batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?.get();
        match string_text(raw) {
            Some(text) => Ok(Name(text)),
            None if raw.starts_with('"') => Ok(Name(Cow::Borrowed("\0"))),
            None => Err(D::Error::invalid_type(unexpected(raw), &"a string")),
        }
    }
}

/// Reads a member that is there, `null` included; `Option` alone takes a null for a missing member.
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The characters of a JSON string; `None` for anything else and for half a surrogate pair.
pub(crate) fn string_text(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

/// What a value that is no string is called in errors; the value itself may be long.
fn unexpected(raw: &str) -> Unexpected<'_> {
    match raw.as_bytes().first() {
        Some(b'{') => Unexpected::Map,
        Some(b'[') => Unexpected::Seq,
        Some(b't' | b'f') => Unexpected::Bool(raw == "true"),
        Some(b'n') => Unexpected::Unit,
        _ => Unexpected::Other("number"),
    }
}

/// An object whose keys are distinct.
pub(crate) struct Members<'a>(pub RawObject<'a>);

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members: RawObject<'de> = Vec::with_capacity(4);
        while let Some((Name(key), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            members.push((key, value));
        }
        match repeated_key(&members) {
            Some(key) => Err(A::Error::custom(format_args!("duplicate key \"{key}\""))),
            None => Ok(Members(members)),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Below this many members comparing each with each beats hashing.
const PAIRWISE_MAX: usize = 12;

fn repeated_key<'m>(members: &'m RawObject<'_>) -> Option<&'m str> {
    if members.len() <= PAIRWISE_MAX {
        let mut keys = members.iter().enumerate();
        return keys
            .find(|(at, (key, _))| members[..*at].iter().any(|(earlier, _)| earlier == key))
            .map(|(_, (key, _))| key.as_ref());
    }
    let mut seen = HashSet::with_capacity(members.len());
    members
        .iter()
        .map(|(key, _)| key.as_ref())
        .find(|key| !seen.insert(*key))
}

/// Appends `text` as a JSON string, escaped exactly as Postgres escapes it.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => out.push_str(&format!("\\u{byte:04x}")),
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// Appends `"name":`, with a comma before it unless it opens an object.
pub(crate) fn push_key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    push_string(out, name);
    out.push(':');
}

/// The deepest nesting of arrays and objects in a value, found without recursion in one pass.
pub(crate) fn depth(text: &str) -> usize {
    if !text.starts_with(['{', '[']) {
        return 0;
    }
    let (mut depth, mut deepest) = (0usize, 0usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Moves past the closing quote of a string whose opening quote was read.
fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

/// Whether every string inside this raw JSON can be stored as Postgres text: no U+0000 and no
/// surrogate without its partner.
pub(crate) fn is_storable(raw: &str) -> bool {
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let Some(unit) = code_unit(escape) else {
            rest = escape.get(2..).unwrap_or_default();
            continue;
        };
        let width = match unit {
            0 | 0xdc00..=0xdfff => return false,
            0xd800..=0xdbff => match escape.get(6..).and_then(code_unit) {
                Some(0xdc00..=0xdfff) => 12,
                _ => return false,
            },
            _ => 6,
        };
        rest = &escape[width..];
    }
    true
}

/// The UTF-16 code unit of a `\uXXXX` escape at the start of `text`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}
