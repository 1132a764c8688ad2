//! What is measured: one module a group of rows.

mod capture;
mod commit_order;
mod dump_restore;
mod eviction;
mod exactly_once;
mod growth;
mod latency;
mod poison;
mod pull;
mod push;

use crate::error::Outcome;
use crate::measure::Comparison;
use crate::row::{Bar, Row};

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The stated sizes instead of the quick ones.
    pub long: bool,
}

impl Size {
    /// The quick or the stated size of something.
    pub fn pick<T>(self, quick: T, long: T) -> T {
        if self.long { long } else { quick }
    }
}

/// Groups in the order in which they are run and shown.
pub const GROUPS: [&str; 12] = [
    "commit_order",
    "poison",
    "exactly_once",
    "eviction",
    "push_insert",
    "push_update",
    "push_contested",
    "pull",
    "capture",
    "growth",
    "dump_restore",
    "latency",
];

/// Makes the rows of a group.
///
/// # Errors
/// When something keeps it from being measured; a figure that misses its bar is no error.
pub async fn run(group: &str, size: Size) -> Outcome<Vec<Row>> {
    match group {
        "commit_order" => commit_order::run(size).await,
        "poison" => poison::run(size).await,
        "exactly_once" => exactly_once::run(size).await,
        "eviction" => eviction::run(size).await,
        "push_insert" => push::inserts(size).await,
        "push_update" => push::updates(size).await,
        "push_contested" => push::contested(size).await,
        "pull" => pull::run(size).await,
        "capture" => capture::run(size).await,
        "growth" => growth::run(size).await,
        "dump_restore" => dump_restore::run(size).await,
        "latency" => latency::run(size).await,
        _ => Err(format!("there is no evidence {group}").into()),
    }
}

/// A row about our rate as a share of the plain one.
fn rate_row(name: &str, what: &str, compared: Comparison, bar: Bar) -> Row {
    ratio_row(name, what, compared.rate(), compared, bar)
}

/// A row about our time as a multiple of the plain one.
fn time_row(name: &str, what: &str, compared: Comparison, bar: Bar) -> Row {
    ratio_row(name, what, compared.time, compared, bar)
}

fn ratio_row(name: &str, what: &str, ratio: f64, compared: Comparison, bar: Bar) -> Row {
    let Comparison {
        ours_ms,
        plain_ms,
        spread,
        ..
    } = compared;
    Row::new(name, ratio, "ratio", bar)
        .what(format!("{what} ({ours_ms:.2} ms against {plain_ms:.2} ms)"))
        .with_spread(spread)
}
