//! Hybrid logical clock: 48 bits of milliseconds since 1970 and a 16-bit counter in one integer.
//!
//! Comparing two values as integers compares the moments, then the counters. Values never exceed
//! [`Hlc::MAX`], so they fit a Postgres `bigint`. There is no system clock here: whoever has one
//! passes its milliseconds in.

use std::fmt;

const COUNTER_BITS: u32 = 16;

/// One clock value, ordered by time and then by counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The largest value, which still fits an `i64` (the year 6429).
    pub const MAX: Hlc = Hlc(i64::MAX as u64);

    /// The value of a moment and a counter; moments past [`Hlc::MAX`] are cut to its millisecond.
    #[must_use]
    pub fn from_parts(ms: u64, counter: u16) -> Hlc {
        let ms = ms.min(Hlc::MAX.ms());
        Hlc((ms << COUNTER_BITS) | u64::from(counter))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// Position among the values of the same millisecond.
    #[must_use]
    pub const fn counter(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// Reads the decimal digits that [`fmt::Display`] writes; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Hlc> {
        crate::decimal::parse_digits(text)
            .map(Hlc)
            .filter(|hlc| *hlc <= Hlc::MAX)
    }

    /// The next larger value: a full counter carries into the milliseconds.
    #[must_use]
    pub fn next(self) -> Hlc {
        Hlc(self.0.saturating_add(1).min(Hlc::MAX.0))
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The clock for a local event: later than `state` (below [`Hlc::MAX`]) and not before `now_ms`.
#[must_use]
pub fn tick(state: Hlc, now_ms: u64) -> Hlc {
    state.next().max(Hlc::from_parts(now_ms, 0))
}

/// The clock after hearing of `remote`: later than both values and not before `now_ms`.
#[must_use]
pub fn observe(state: Hlc, remote: Hlc, now_ms: u64) -> Hlc {
    tick(state.max(remote), now_ms)
}

/// A claimed clock after [`clamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clamped {
    /// The clock to use.
    pub hlc: Hlc,
    /// Whether the claim was too far in the future.
    pub skewed: bool,
}

/// Limits a claimed clock to the last value of the millisecond `now_ms + bound_ms`.
///
/// The order of claims is kept: a larger claim never ends up below a smaller one.
#[must_use]
pub fn clamp(claimed: Hlc, now_ms: u64, bound_ms: u64) -> Clamped {
    let latest = Hlc::from_parts(now_ms.saturating_add(bound_ms), u16::MAX);
    Clamped {
        hlc: claimed.min(latest),
        skewed: claimed > latest,
    }
}
