//! Pushes against the statements that one would write by hand.

use super::{Size, ratio_row};
use crate::error::Outcome;
use crate::row::{Bar, Row};
use crate::workload::{PushInsert, PushUpdate, compare};

/// Rows `push_insert_*`.
pub async fn inserts(size: Size) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (batch, repetitions) in [(100, size.pick(60, 200)), (1_000, size.pick(25, 80))] {
        let pairs = compare(&mut PushInsert::new(batch).await?, repetitions).await?;
        let what =
            "rate of a push of insertions, of that of the plain batched upsert from the same JSON";
        let row = ratio_row(
            &format!("push_insert_{batch}"),
            what,
            pairs.rate(),
            &pairs,
            Bar::AtLeast(0.5),
        );
        rows.push(row.size(sizes(batch, repetitions)));
    }
    Ok(rows)
}

/// Rows `push_update_*`.
pub async fn updates(size: Size) -> Outcome<Vec<Row>> {
    let repetitions = size.pick(25, 80);
    let pairs = compare(&mut PushUpdate::new(1_000, false).await?, repetitions).await?;
    let what = "rate of a push of updates that nobody contests, of that of the plain batched update from the same JSON";
    let row = ratio_row(
        "push_update_1000",
        what,
        pairs.rate(),
        &pairs,
        Bar::Reported,
    );
    Ok(vec![row.size(sizes(1_000, repetitions))])
}

/// Rows `push_contested_*`.
pub async fn contested(size: Size) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (batch, repetitions) in [(100, size.pick(40, 150)), (1_000, size.pick(15, 60))] {
        let pairs = compare(&mut PushUpdate::new(batch, true).await?, repetitions).await?;
        let what = "rate of a push of updates whose columns others changed meanwhile, each merged and logged, of that of \
                    the plain batched update from the same JSON";
        let row = ratio_row(
            &format!("push_contested_{batch}"),
            what,
            pairs.rate(),
            &pairs,
            Bar::AtLeast(0.4),
        );
        rows.push(row.size(sizes(batch, repetitions)));
    }
    Ok(rows)
}

fn sizes(batch: u64, repetitions: usize) -> String {
    format!("{batch} mutations a batch, {repetitions} repetitions")
}
