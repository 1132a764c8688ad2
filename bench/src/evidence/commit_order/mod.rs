//! Commit-order torture: writers commit in another order than they wrote, while a device pulls throughout.
//!
//! Beside the device runs a naive reader, which remembers the highest version that it has seen. It must lose rows: that is
//! how one knows that the torture bites.

mod reader;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use offline_sync_testkit::{Device, Rows, visible_rows};
use uuid::Uuid;

use super::Size;
use crate::error::Outcome;
use crate::measure::timed;
use crate::row::{Bar, Row};
use crate::stage::Stage;
use writer::{Tally, Task};

const WRITERS: u64 = 16;

/// Writers that write through `offline.push`; the others write SQL.
const PUSHERS: u64 = 4;

/// Seed of the writers' choices; the server's timing differs from run to run all the same.
const SEED: u64 = 20_261_120;

/// Rows `commit_order` and `commit_order_control`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let rows: u64 = size.pick(8_000, 50_000);
    let stage = Arc::new(Stage::sample(4).await?);
    let reader = Uuid::new_v4();
    for team in &stage.teams {
        // The last team is not the reader's: rows move into and out of its sight.
        if team != &stage.teams[3] {
            stage.join(reader, *team).await?;
        }
        if team != &stage.teams[0] {
            stage.join(stage.user, *team).await?;
        }
    }
    let mut device = Device::new(&stage.db, reader).await;
    device.page_limit = 200;
    let done = Arc::new(AtomicBool::new(false));
    let pulling = tokio::spawn(reader::pull_until(device, Arc::clone(&done)));
    let naive = tokio::spawn(reader::naive_until(Arc::clone(&stage), Arc::clone(&done)));
    let (tally, elapsed) = timed(write_all(&stage, rows)).await?;
    done.store(true, Ordering::Release);
    let (device, totals) = pulling.await?;
    let (naive_missed, naive_rows) = naive.await??;

    let server = visible_rows(&device.caller, "public.note", &["id"], &[], "true").await;
    let (missing, wrong) = compare(&device.rows("public.note"), &server);
    let Tally {
        inserted,
        rolled_back,
        updated,
        deleted,
    } = tally;
    let what = format!(
        "rows missing ({missing}) plus rows wrong or too many ({wrong}) on a device that pulled throughout, {} pulls of {} \
         pages in {:.1} s, {} rows taken in; {inserted} rows inserted, {updated} updates, {deleted} deletions committed, \
         {rolled_back} transactions rolled back; {} rows visible at the end",
        totals.pulls,
        totals.pages,
        elapsed.as_secs_f64(),
        totals.upserts,
        server.len()
    );
    let control = format!(
        "control: rows whose last change a reader missed that remembers the highest version it has seen ({naive_rows} rows)"
    );
    let sizes = format!("{rows} rows, {WRITERS} writers, seed {SEED}");
    Ok(vec![
        Row::new(
            "commit_order",
            (missing + wrong) as f64,
            "rows",
            Bar::Exactly(0.0),
        )
        .what(what)
        .size(&sizes)
        .and(!server.is_empty() && totals.pulls > 1),
        Row::new(
            "commit_order_control",
            naive_missed as f64,
            "rows",
            Bar::MoreThan(0.0),
        )
        .what(control)
        .size(sizes),
    ])
}

async fn write_all(stage: &Arc<Stage>, rows: u64) -> Outcome<Tally> {
    let tasks = (0..WRITERS).map(|number| {
        let stage = Arc::clone(stage);
        let task = Task {
            number,
            seed: SEED + number,
            rows: rows / WRITERS,
            pushes: number < PUSHERS,
        };
        tokio::spawn(async move { writer::run(&stage, task).await })
    });
    let mut total = Tally::default();
    for task in tasks.collect::<Vec<_>>() {
        total = total.plus(task.await??);
    }
    Ok(total)
}

/// Rows that the device lacks; rows that it has otherwise, or should not have.
fn compare(device: &Rows, server: &Rows) -> (usize, usize) {
    let missing = server
        .keys()
        .filter(|key| !device.contains_key(*key))
        .count();
    let wrong = device
        .iter()
        .filter(|(key, row)| server.get(*key) != Some(row))
        .count();
    (missing, wrong)
}
