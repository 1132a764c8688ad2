//! How long one small push takes.

use super::Size;
use crate::error::Outcome;
use crate::measure::{figure, quantile, sorted};
use crate::row::{Bar, Row};
use crate::workload::{PushInsert, compare};

/// Row `latency_push_1`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let repetitions = size.pick(300, 2_000);
    let pairs = compare(&mut PushInsert::new(1).await?, repetitions).await?;
    let ours = figure(pairs.ours().iter().copied());
    let high_ms = quantile(&sorted(pairs.ours()), 0.95) * 1_000.0;
    let plain_ms = pairs.typical().plain_ms;
    let what = format!(
        "median time of a push of one insertion, committed; 95 of 100 within {high_ms:.2} ms; the plain upsert took \
         {plain_ms:.2} ms"
    );
    let row = Row::new("latency_push_1", ours.median * 1_000.0, "ms", Bar::Reported).what(what);
    Ok(vec![row.with_spread(ours.spread).size(format!(
        "{repetitions} repetitions, one connection"
    ))])
}
