//! Integers that travel as decimal strings, because JavaScript rounds large numbers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// A non-negative integer up to `i64::MAX`, written as a decimal string or a plain JSON integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal(pub u64);

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a non-negative integer below 2^63, as a decimal string")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Decimal, E> {
        if value <= i64::MAX as u64 {
            Ok(Decimal(value))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(value), &self))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        match parse_digits(text) {
            Some(value) => self.visit_u64(value),
            None => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

/// Digits only: no sign, no space, no exponent.
pub(crate) fn parse_digits(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}
