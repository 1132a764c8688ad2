//! What a push reads: it follows the batch, also while the planner still believes that the tables are small.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

/// Rows of `row_state` that this transaction has read so far.
const READ: &str = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables \
                    where relid = 'offline_data.row_state'::regclass";

#[tokio::test]
async fn states_of_rows_are_looked_up_by_key_not_by_table() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let team = fixtures::team(&db, &[me]).await;
    db.sql("alter table offline_data.row_state set (autovacuum_enabled = off)")
        .await;
    // As many pushes as it takes until plans are kept, while there is next to nothing to read.
    let first = fixtures::add_task(&db, team, "t").await;
    db.sql("analyze offline_data.row_state").await;
    let mut device = Device::new(&db, me).await;
    for round in 0..10 {
        device.update(
            "public.task",
            json!({ "id": first }),
            json!({ "title": format!("t{round}") }),
        );
        device.sync().await;
    }
    let add = "insert into public.task (id, team_id, title) \
               select gen_random_uuid(), $1, 't' from generate_series(1, 3000) returning id";
    let ids: Vec<Uuid> = db.column(add, &[&team]).await;
    device.pull().await;
    for id in &ids[..100] {
        device.update(
            "public.task",
            json!({ "id": id }),
            json!({ "title": "changed" }),
        );
    }

    device.caller.sql("begin").await;
    let before: i64 = device
        .caller
        .client()
        .query_one(READ, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(device.push().await.count("applied"), 100);
    let after: i64 = device
        .caller
        .client()
        .query_one(READ, &[])
        .await
        .unwrap()
        .get(0);
    device.caller.sql("commit").await;
    let read = after - before;
    assert!(read <= 1_000, "{read} rows read for 100 changes");
}
