//! Kinds of columns, keys and tables: what one device writes, another reads letter by letter.

mod columns;
mod keys;
mod names;
mod partitions;
mod relations;

use offline_sync_testkit::{Db, Device};
use serde_json::json;
use uuid::Uuid;

/// Lets everyone see and write all rows of a table, and syncs it in the scope `public`.
async fn share(db: &Db, table: &str) {
    db.sql(&format!(
        "alter table {table} enable row level security;
        create policy everyone on {table} to authenticated using (true) with check (true);
        grant all on {table} to authenticated"
    ))
    .await;
    db.enable_sync(table, json!({ "scope": "'public'" })).await;
}

/// Two devices of two users.
async fn two_devices(db: &Db) -> (Device, Device) {
    (
        Device::new(db, Uuid::new_v4()).await,
        Device::new(db, Uuid::new_v4()).await,
    )
}

/// Pushes from one device, pulls on both, and compares both with the server.
async fn exchange(from: &mut Device, to: &mut Device, table: &str) {
    let statuses = from.push().await.statuses();
    let errors: Vec<_> = from
        .verdicts
        .values()
        .filter_map(|verdict| verdict.error.as_ref())
        .collect();
    assert!(
        statuses.iter().all(|status| status == "applied"),
        "{statuses:?} {errors:?}"
    );
    from.assert_in_step(table).await;
    from.pull().await;
    to.pull().await;
    from.assert_in_step(table).await;
    to.assert_in_step(table).await;
}
