//! One figure of the evidence.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// A figure, what it means, and whether it is good enough.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Row {
    /// Evidence name; rows of one group share a prefix.
    pub name: String,
    /// What was measured, against what.
    pub what: String,
    /// The figure.
    pub value: Number,
    /// Its unit.
    pub unit: String,
    /// What it must reach, such as `≥ 0.5`; null where it is only reported.
    pub bar: Option<String>,
    /// Whether it reaches the bar.
    pub ok: bool,
    /// The command that makes this row.
    pub command: String,
    /// Sizes of the run.
    pub size: String,
    /// Interquartile range relative to the median, over the repetitions; null for counts.
    pub spread: Option<Number>,
}

/// What a value must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// More than this.
    MoreThan(f64),
    /// This.
    Exactly(f64),
    /// Nothing: the figure is reported as it is.
    Reported,
}

impl Bar {
    fn holds(self, value: f64) -> bool {
        match self {
            Bar::AtLeast(bar) => value >= bar,
            Bar::AtMost(bar) => value <= bar,
            Bar::MoreThan(bar) => value > bar,
            Bar::Exactly(bar) => value == bar,
            Bar::Reported => value.is_finite(),
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bar::AtLeast(bar) => write!(f, "≥ {bar}"),
            Bar::AtMost(bar) => write!(f, "≤ {bar}"),
            Bar::MoreThan(bar) => write!(f, "> {bar}"),
            Bar::Exactly(bar) => write!(f, "= {bar}"),
            Bar::Reported => Ok(()),
        }
    }
}

impl Row {
    /// A figure without spread; [`Row::with_spread`] adds one.
    pub fn new(name: &str, value: f64, unit: &str, bar: Bar) -> Row {
        Row {
            name: name.to_owned(),
            what: String::new(),
            value: number(value),
            unit: unit.to_owned(),
            bar: (bar != Bar::Reported).then(|| bar.to_string()),
            ok: bar.holds(value),
            command: String::new(),
            size: String::new(),
            spread: None,
        }
    }

    /// Says what was measured.
    pub fn what(mut self, what: impl Into<String>) -> Row {
        self.what = what.into();
        self
    }

    /// Says how much of it.
    pub fn size(mut self, size: impl Into<String>) -> Row {
        self.size = size.into();
        self
    }

    /// Says how far the repetitions lie apart.
    pub fn with_spread(mut self, spread: f64) -> Row {
        self.spread = Some(number(spread));
        self
    }

    /// Makes the row not ok unless a further condition holds that its value does not show.
    pub fn and(mut self, condition: bool) -> Row {
        self.ok &= condition;
        self
    }
}

/// Three decimals; whole numbers without any.
fn number(value: f64) -> Number {
    let rounded = (value * 1_000.0).round() / 1_000.0;
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        return Number::from(rounded as i64);
    }
    Number::from_f64(rounded).unwrap_or_else(|| Number::from(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_its_bar_is_ok_and_one_beyond_is_not() {
        assert!(Row::new("a", 0.5, "ratio", Bar::AtLeast(0.5)).ok);
        assert!(!Row::new("a", 0.499, "ratio", Bar::AtLeast(0.5)).ok);
        assert!(Row::new("a", 2.0, "ratio", Bar::AtMost(2.0)).ok);
        assert!(!Row::new("a", 2.001, "ratio", Bar::AtMost(2.0)).ok);
        assert!(!Row::new("a", 0.0, "rows", Bar::MoreThan(0.0)).ok);
        assert!(!Row::new("a", 1.0, "rows", Bar::Exactly(0.0)).ok);
        assert!(!Row::new("a", f64::NAN, "ratio", Bar::Reported).ok);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(0.0).to_string(), "0");
        assert_eq!(number(997.0).to_string(), "997");
        assert_eq!(number(0.123_456).to_string(), "0.123");
    }
}
