//! Pushes against the statements that one would write by hand.

use super::{Size, rate_row};
use crate::error::Outcome;
use crate::row::{Bar, Row};
use crate::workload::{PushInsert, PushUpdate, compare};

/// Rows `push_insert_*`.
pub async fn inserts(size: Size) -> Outcome<Vec<Row>> {
    let what =
        "rate of a push of insertions, of that of the plain batched upsert from the same JSON";
    let bar = Bar::AtLeast(0.5);

    let repetitions = size.pick(80, 300);
    let pairs = compare(&mut PushInsert::new(100).await?, repetitions).await?;
    let small = rate_row("push_insert_100", what, pairs.quiet(), bar).size(sizes(100, repetitions));

    let repetitions = size.pick(25, 81);
    let pairs = compare(&mut PushInsert::new(1_000).await?, repetitions).await?;
    let large =
        rate_row("push_insert_1000", what, pairs.typical(), bar).size(sizes(1_000, repetitions));
    Ok(vec![small, large])
}

/// Row `push_update_1000`.
pub async fn updates(size: Size) -> Outcome<Vec<Row>> {
    let repetitions = size.pick(25, 81);
    let pairs = compare(&mut PushUpdate::new(1_000, false).await?, repetitions).await?;
    let what = "rate of a push of updates that nobody contests, of that of the plain batched update from the same JSON";
    let row = rate_row("push_update_1000", what, pairs.typical(), Bar::Reported);
    Ok(vec![row.size(sizes(1_000, repetitions))])
}

/// Rows `push_contested_*`.
pub async fn contested(size: Size) -> Outcome<Vec<Row>> {
    let what = "rate of a push of updates whose columns others changed meanwhile, each merged and logged, of that of the \
                plain batched update from the same JSON";
    let bar = Bar::AtLeast(0.4);

    let repetitions = size.pick(50, 200);
    let pairs = compare(&mut PushUpdate::new(100, true).await?, repetitions).await?;
    let small =
        rate_row("push_contested_100", what, pairs.quiet(), bar).size(sizes(100, repetitions));

    let repetitions = size.pick(15, 61);
    let pairs = compare(&mut PushUpdate::new(1_000, true).await?, repetitions).await?;
    let large =
        rate_row("push_contested_1000", what, pairs.typical(), bar).size(sizes(1_000, repetitions));
    Ok(vec![small, large])
}

fn sizes(batch: u64, repetitions: usize) -> String {
    format!("{batch} mutations a batch, {repetitions} repetitions")
}
