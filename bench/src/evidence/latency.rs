//! How long one small push takes.

use super::Size;
use crate::error::Outcome;
use crate::row::{Bar, Row};
use crate::workload::{PushInsert, compare};

/// Row `latency_push_1`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let repetitions = size.pick(300, 2_000);
    let pairs = compare(&mut PushInsert::new(1).await?, repetitions).await?;
    let ours = pairs.ours();
    let (_, plain) = pairs.medians_ms();
    let what = format!(
        "median time of a push of one insertion, committed; 95 of 100 within {:.2} ms; the plain upsert took {plain:.2} ms",
        ours.high_ms
    );
    let row = Row::new("latency_push_1", ours.median_ms, "ms", Bar::Reported);
    Ok(vec![row.what(what).with_spread(ours.spread).size(format!(
        "{repetitions} repetitions, one connection"
    ))])
}
