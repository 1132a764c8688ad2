//! bootstrap() and doctor(): one comparison, made true by the one and shown by the other.

mod extension;
mod healing;

use offline_sync_testkit::Db;

/// What a call reports, as `kind object`.
async fn objects(db: &Db, call: &str) -> Vec<String> {
    db.column(
        &format!("select kind || ' ' || object from {call} order by 1"),
        &[],
    )
    .await
}
