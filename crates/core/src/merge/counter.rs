//! Theirs plus what the device added, in exact decimals.
//!
//! The device's increment is mine minus base, so the base must be known: where neither the device sent
//! it nor the server has it, or where a value is no number or the sum does not fit 28 digits, a
//! person has to decide. A null counts as zero.

use rust_decimal::Decimal;

use super::contest::{Contest, Resolution};
use super::number::{self, Number};

pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    match sum(contest) {
        Some(Sum::Unchanged) => Resolution::Theirs,
        Some(Sum::Value(value)) => Resolution::Merged(value),
        None => Resolution::Manual,
    }
}

enum Sum {
    Unchanged,
    Value(String),
}

fn sum(contest: &Contest<'_>) -> Option<Sum> {
    let base = decimal(contest.base?)?;
    let mine = decimal(contest.mine)?;
    let theirs = decimal(contest.theirs)?;
    let increment = exact_add(mine, -base)?;
    if increment.is_zero() {
        return Some(Sum::Unchanged);
    }
    let value = exact_add(theirs, increment)?.to_string();
    // A null has no kind of its own: the device's kind is then as good as any.
    let kind = if contest.theirs == "null" {
        contest.mine
    } else {
        contest.theirs
    };
    Some(Sum::Value(number::in_kind_of(kind, &value)))
}

/// A JSON number, numeric string or null as a decimal, if it fits without rounding.
fn decimal(raw: &str) -> Option<Decimal> {
    if raw == "null" {
        return Some(Decimal::ZERO);
    }
    let text = number::unquoted(raw);
    let number = Number::parse(&text)?;
    // As written, so that trailing zeros stay; without an exponent where there is one.
    let written = Decimal::from_str_exact(&text).ok();
    written.or_else(|| Decimal::from_str_exact(&number.to_plain()?).ok())
}

/// The sum, unless it had to be rounded to fit.
fn exact_add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.normalize().scale().max(b.normalize().scale());
    a.checked_add(b).filter(|sum| sum.scale() >= scale)
}
