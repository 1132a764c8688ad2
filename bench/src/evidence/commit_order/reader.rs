//! Those who read while others write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use offline_sync_testkit::Device;

use crate::error::{Outcome, pg};
use crate::stage::Stage;

/// What a device pulled in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Pulls.
    pub pulls: usize,
    /// Their pages.
    pub pages: usize,
    /// Rows that they brought.
    pub upserts: usize,
}

/// Pulls until `done`, and then once more.
pub async fn pull_until(mut device: Device, done: Arc<AtomicBool>) -> (Device, Totals) {
    let mut totals = Totals::default();
    loop {
        let last = done.load(Ordering::Acquire);
        let pull = device.pull().await;
        totals.pulls += 1;
        totals.pages += pull.pages;
        totals.upserts += pull.upserts;
        if last {
            return (device, totals);
        }
    }
}

/// Reads the change feed from the highest version seen, until `done` and once more. Rows whose last change it missed, and
/// all rows.
pub async fn naive_until(stage: Arc<Stage>, done: Arc<AtomicBool>) -> Outcome<(usize, usize)> {
    let query =
        "select row_key, version from offline_data.row_state where version > $1 order by version";
    let client = stage.db.connect("owner").await;
    let statement = client.prepare(query).await.map_err(pg)?;
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    let mut highest = 0_i64;
    loop {
        let last = done.load(Ordering::Acquire);
        for row in client.query(&statement, &[&highest]).await.map_err(pg)? {
            highest = row.get(1);
            seen.insert(row.get(0), highest);
        }
        if last {
            break;
        }
    }
    let all = client.query(&statement, &[&0_i64]).await.map_err(pg)?;
    let missed = all
        .iter()
        .filter(|row| seen.get(row.get::<_, &str>(0)) != Some(&row.get(1)))
        .count();
    Ok((missed, all.len()))
}
