//! Pulls against reading the same rows by key.

use super::{Size, rate_row};
use crate::error::Outcome;
use crate::row::{Bar, Row};
use crate::workload::{PullChanged, compare};

/// Row `pull_1000`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let repetitions = size.pick(40, 150);
    let pairs = compare(&mut PullChanged::new(1_000).await?, repetitions).await?;
    let what = "rate of a pull of changed rows, of that of jsonb_agg over the same rows by key";
    let row = rate_row("pull_1000", what, pairs.typical(), Bar::AtLeast(0.6));
    Ok(vec![row.size(format!(
        "1,000 changed rows of 10,000, {repetitions} repetitions"
    ))])
}
