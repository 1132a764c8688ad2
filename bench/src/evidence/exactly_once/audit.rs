//! The database beside the model.

use std::collections::{BTreeMap, BTreeSet};

use offline_sync_testkit::{Device, visible_rows};
use uuid::Uuid;

use super::outbox::{Counter, Outbox};
use crate::error::{Outcome, pg};
use crate::stage::Stage;

/// Mutations by device and seq.
type Mutations = BTreeSet<(Uuid, u64)>;

/// Everything in which they differ, a line each.
pub async fn differences(
    stage: &Stage,
    counters: &[Counter],
    outboxes: &[Outbox],
) -> Outcome<Vec<String>> {
    let mut found = rows(stage, counters, outboxes).await?;
    found.extend(history(stage, outboxes).await?);
    found.extend(verdicts(stage, outboxes).await?);
    found.extend(conflicts(stage).await?);
    found.extend(feed(stage).await);
    Ok(found)
}

async fn rows(stage: &Stage, counters: &[Counter], outboxes: &[Outbox]) -> Outcome<Vec<String>> {
    let mut expected: BTreeMap<Uuid, (Option<String>, i64)> = BTreeMap::new();
    for counter in counters {
        let likes = outboxes
            .iter()
            .filter_map(|outbox| outbox.added.get(&counter.id))
            .sum();
        expected.insert(counter.id, (None, likes));
    }
    for (id, title) in outboxes.iter().flat_map(|outbox| &outbox.notes) {
        if let Some(title) = title {
            expected.insert(*id, (Some(title.clone()), 0));
        }
    }
    let query = "select id, title, likes::bigint from public.note";
    let mut found = Vec::new();
    for row in stage.db.owner().query(query, &[]).await.map_err(pg)? {
        let (id, title, likes): (Uuid, String, i64) = (row.get(0), row.get(1), row.get(2));
        match expected.remove(&id) {
            Some((None, sum)) if likes == sum => {}
            Some((Some(text), 0)) if text == title && likes == 0 => {}
            other => found.push(format!(
                "row {id} is {title:?} with {likes} likes, not {other:?}"
            )),
        }
    }
    found.extend(
        expected
            .into_iter()
            .map(|(id, row)| format!("row {id} is missing: {row:?}")),
    );
    Ok(found)
}

/// Each mutation that takes effect is in the history once, all others never.
async fn history(stage: &Stage, outboxes: &[Outbox]) -> Outcome<Vec<String>> {
    let query = "select device_id, device_seq, count(*) from offline_data.row_history where device_id is not null group by 1, 2";
    let expected = all(outboxes, |outbox| outbox.effective());
    once(
        "in the history",
        expected,
        &stage.db.owner().query(query, &[]).await.map_err(pg)?,
    )
}

/// Dead letters are what breaks a rule, each once; the verdicts that arrived say so too.
async fn verdicts(stage: &Stage, outboxes: &[Outbox]) -> Outcome<Vec<String>> {
    let query = "select device_id, seq, count(*) from offline_data.sync_queue where status = 'dead' group by 1, 2";
    let expected = all(outboxes, |outbox| outbox.rejected.keys().copied().collect());
    let mut found = once(
        "a dead letter",
        expected,
        &stage.db.owner().query(query, &[]).await.map_err(pg)?,
    )?;
    for outbox in outboxes {
        for seq in 1..=outbox.last_seq() {
            let verdict = outbox.verdicts.get(&seq).map_or("", String::as_str);
            let right = match outbox.rejected.get(&seq) {
                Some(code) => [
                    format!("rejected {code}"),
                    "duplicate of rejected".to_owned(),
                ]
                .contains(&verdict.to_owned()),
                None => !verdict.is_empty() && !verdict.contains("rejected"),
            };
            if !right {
                found.push(format!(
                    "the verdict on {seq} of {} is {verdict:?}",
                    outbox.device
                ));
            }
        }
    }
    Ok(found)
}

/// A decision is logged once a mutation and column.
async fn conflicts(stage: &Stage) -> Outcome<Vec<String>> {
    let query = "
        select device_id, device_seq, column_name, count(*) from offline_data.conflict_resolution_log
        group by 1, 2, 3 having count(*) > 1";
    let rows = stage.db.owner().query(query, &[]).await.map_err(pg)?;
    let lines = rows.iter().map(|row| {
        let (device, seq, column, count): (Uuid, i64, &str, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        format!("column {column} of {seq} of {device} is logged {count} times")
    });
    Ok(lines.collect())
}

/// What a device has that pulls for the first time.
async fn feed(stage: &Stage) -> Vec<String> {
    let device = Device::new(&stage.db, stage.user).await;
    let visible = visible_rows(&device.caller, "public.note", &["id"], &[], "true").await;
    let pulled = device.rows("public.note");
    let keys: BTreeSet<&String> = visible.keys().chain(pulled.keys()).collect();
    let differing = keys
        .into_iter()
        .filter(|key| visible.get(*key) != pulled.get(*key));
    differing
        .map(|key| format!("a new device pulls {:?} as row {key}", pulled.get(key)))
        .collect()
}

fn all(outboxes: &[Outbox], seqs: impl Fn(&Outbox) -> BTreeSet<u64>) -> Mutations {
    outboxes
        .iter()
        .flat_map(|outbox| seqs(outbox).into_iter().map(|seq| (outbox.device, seq)))
        .collect()
}

/// Compares (device, seq, count) with mutations that should be there once.
fn once(
    place: &str,
    mut expected: Mutations,
    rows: &[tokio_postgres::Row],
) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for row in rows {
        let (device, seq, count): (Uuid, i64, i64) = (row.get(0), row.get(1), row.get(2));
        let wanted = expected.remove(&(device, u64::try_from(seq)?));
        if !wanted || count != 1 {
            found.push(format!("{seq} of {device} is {place} {count} times"));
        }
    }
    let missing = expected
        .into_iter()
        .map(|(device, seq)| format!("{seq} of {device} is not {place}"));
    found.extend(missing);
    Ok(found)
}
