//! JSON numbers of any size, compared by value without rounding.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::json;

/// Digits on either side of the point beyond which no number with an exponent is written out: decimals have no more.
const PLAIN_DIGITS_MAX: i64 = 29;

/// A number as `0.digits × 10^exponent`; zero has no digits. One value has one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number<'a> {
    negative: bool,
    exponent: i64,
    digits: Cow<'a, str>,
}

impl<'a> Number<'a> {
    /// Reads the text of a JSON number; `None` for anything else.
    pub(super) fn parse(text: &'a str) -> Option<Number<'a>> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let all: Cow<'a, str> = match fraction {
            "" => Cow::Borrowed(whole),
            _ => Cow::Owned([whole, fraction].concat()),
        };
        let leading = all.len() - all.trim_start_matches('0').len();
        let end = all.trim_end_matches('0').len();
        if leading >= end {
            return Some(Number {
                negative: false,
                exponent: 0,
                digits: Cow::Borrowed(""),
            });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        let digits = match all {
            Cow::Borrowed(text) => Cow::Borrowed(&text[leading..end]),
            Cow::Owned(text) => Cow::Owned(text[leading..end].to_owned()),
        };
        Some(Number {
            negative,
            exponent: point.checked_add(exponent)?,
            digits,
        })
    }

    /// The number without an exponent; `None` where that would be long.
    pub(super) fn to_plain(&self) -> Option<String> {
        let length = i64::try_from(self.digits.len()).ok()?;
        if self.exponent.abs().max(length) > PLAIN_DIGITS_MAX {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let (whole, fraction) = if self.exponent <= 0 {
            (String::from("0"), zeros(-self.exponent) + &self.digits)
        } else if self.exponent >= length {
            (
                self.digits.to_string() + &zeros(self.exponent - length),
                String::new(),
            )
        } else {
            let (whole, fraction) = self.digits.split_at(usize::try_from(self.exponent).ok()?);
            (whole.to_owned(), fraction.to_owned())
        };
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{sign}{whole}{point}{fraction}"))
    }

    /// A text that is the same for numbers of the same value.
    pub(super) fn identity(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, self.exponent)
    }

    /// The same number, independent of the text it was read from.
    pub(super) fn into_owned(self) -> Number<'static> {
        let digits = Cow::Owned(self.digits.into_owned());
        Number {
            negative: self.negative,
            exponent: self.exponent,
            digits,
        }
    }

    fn magnitude(&self) -> (bool, i64, &str) {
        (!self.digits.is_empty(), self.exponent, &self.digits)
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
        }
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that numbers of the same value have in common; `None` for what is no number.
pub(crate) fn number_identity(text: &str) -> Option<String> {
    Number::parse(text).map(|number| number.identity())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if is_digits(digits) {
        text.parse().ok()
    } else {
        None
    }
}

/// The characters of a JSON string, or the raw text of anything else.
pub(super) fn unquoted(raw: &str) -> Cow<'_, str> {
    json::string_text(raw).unwrap_or(Cow::Borrowed(raw))
}

/// A number's text as a JSON string where `kind` is one, else as a JSON number.
pub(super) fn in_kind_of(kind: &str, number: &str) -> String {
    if kind.starts_with('"') {
        format!("\"{number}\"")
    } else {
        number.to_owned()
    }
}
