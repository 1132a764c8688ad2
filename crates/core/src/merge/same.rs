//! Whether two pieces of JSON mean the same.

use serde_json::value::RawValue;

use super::number::{self, Number};
use crate::json::{self, Members};

/// Nesting beyond which values that differ in text count as different.
const DEPTH_MAX: usize = 128;

/// Equality of values: numbers by value (for the column itself also where one side sends the number as a string), strings
/// by their characters, objects whatever their order.
pub(super) fn same_json(a: &str, b: &str) -> bool {
    same(a, b, 0, same_numbers)
}

/// Equality of what stands inside a document, where a string is not a number.
pub(super) fn same_inside(a: &str, b: &str) -> bool {
    same(a, b, 1, same_numbers)
}

/// Whether two values differ in nothing but the space between their parts and the order of members, which
/// `jsonb` does not keep.
pub(crate) fn same_spelling(a: &str, b: &str) -> bool {
    same(a, b, 1, |a, b| a == b)
}

/// When two scalars that are not both strings mean the same.
type SameScalars = fn(&str, &str) -> bool;

fn same_numbers(a: &str, b: &str) -> bool {
    let (a, b) = (number::unquoted(a), number::unquoted(b));
    matches!((Number::parse(&a), Number::parse(&b)), (Some(a), Some(b)) if a == b)
}

fn same(a: &str, b: &str, depth: usize, scalars: SameScalars) -> bool {
    if a == b {
        return true;
    }
    if depth > DEPTH_MAX {
        return false;
    }
    match (kind(a), kind(b)) {
        (b'[', b'[') => same_arrays(a, b, depth, scalars),
        (b'{', b'{') => same_objects(a, b, depth, scalars),
        (b'"', b'"') => same_strings(a, b),
        (b'[' | b'{', _) | (_, b'[' | b'{') => false,
        (b'"', _) | (_, b'"') if depth > 0 => false,
        _ => scalars(a, b),
    }
}

fn kind(raw: &str) -> u8 {
    raw.as_bytes().first().copied().unwrap_or(0)
}

fn same_strings(a: &str, b: &str) -> bool {
    match (json::string_text(a), json::string_text(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn same_arrays(a: &str, b: &str, depth: usize, scalars: SameScalars) -> bool {
    let parse = serde_json::from_str::<Vec<&RawValue>>;
    match (parse(a), parse(b)) {
        (Ok(a), Ok(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(&b)
                    .all(|(a, b)| same(a.get(), b.get(), depth + 1, scalars))
        }
        _ => false,
    }
}

fn same_objects(a: &str, b: &str, depth: usize, scalars: SameScalars) -> bool {
    let parse = serde_json::from_str::<Members<'_>>;
    match (parse(a), parse(b)) {
        (Ok(Members(mut a)), Ok(Members(mut b))) => {
            a.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            b.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            a.len() == b.len()
                && a.iter().zip(&b).all(|((name_a, a), (name_b, b))| {
                    name_a == name_b && same(a.get(), b.get(), depth + 1, scalars)
                })
        }
        _ => false,
    }
}
