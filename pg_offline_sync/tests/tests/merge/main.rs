//! Merging through SQL: the policies, the clocks, conflicts that need a person.

mod bases;
mod clocks;
mod combining;
mod conflicts;
mod counters;
mod deletion;
mod functions;
mod log;
mod long_past;
mod orders;
mod policies;
mod resolving;
mod spelling;

use std::collections::BTreeMap;

use offline_sync_testkit::{Db, Device, Op};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const TABLE: &str = "public.card";

/// `public.card`, shared by everyone, with these policies.
async fn cards(db: &Db, policy: Value) {
    db.sql(
        "create table public.card (id uuid primary key, a text, b text, n int8 default 0,
            tags text[], ids int8[], doc jsonb);
        alter table public.card enable row level security;
        create policy everyone on public.card to authenticated using (true) with check (true)",
    )
    .await;
    db.enable_sync(TABLE, json!({ "scope": "'public'", "policy": policy }))
        .await;
}

/// Devices that all hold the same new card.
async fn devices_with_card(db: &Db, count: usize, row: Value) -> (Vec<Device>, Value) {
    let key = json!({ "id": Uuid::new_v4() });
    let mut first = Device::new(db, Uuid::new_v4()).await;
    first.insert(TABLE, key.clone(), row);
    first.sync().await;
    let mut devices = vec![first];
    while devices.len() < count {
        devices.push(Device::new(db, Uuid::new_v4()).await);
    }
    (devices, key)
}

/// Pulls on all devices, and checks that they hold what the server holds; the card's column.
async fn settle(devices: &mut [Device], key: &Value, column: &str) -> Value {
    for device in &mut *devices {
        device.pull().await;
        device.assert_in_step(TABLE).await;
    }
    let row = devices[0].view(TABLE, key).expect("the card is there");
    serde_json::from_str(&row[column]).unwrap()
}

/// Milliseconds since 1970 as a clock value.
fn hlc(ms: u64) -> Value {
    json!((ms << 16).to_string())
}

/// Device `n` pushes this patch with a clock so many milliseconds after `start`; status, and outcome of each contested column.
async fn push_at(devices: &mut [Device], n: usize, key: &Value, patch: Value, ms: u64) -> Pushed {
    let clock = Map::from_iter([("hlc".to_owned(), hlc(ms))]);
    let seq = devices[n].record(Op::Update, TABLE, key.clone(), patch, clock);
    let answer = devices[n].push().await;
    let verdict = answer.verdict(seq);
    (verdict.status.clone(), verdict.columns.clone())
}

/// Status of a push, and outcome of each contested column.
type Pushed = (String, BTreeMap<String, String>);

/// The conflict log, an entry a line: column, policy, outcome, status, base, mine and theirs.
async fn log_lines(db: &Db) -> Vec<String> {
    let query = "select concat_ws(' ', column_name, policy, outcome, status, coalesce(base::text, '-'), mine, theirs)
        from offline_data.conflict_resolution_log order by created_at, column_name";
    db.column(query, &[]).await
}

/// The server's clock in milliseconds.
async fn now_ms(db: &Db) -> u64 {
    db.one::<i64>(
        "select (extract(epoch from clock_timestamp()) * 1000)::bigint",
        &[],
    )
    .await as u64
}
