//! What a pull reads: it follows the changes, also while the planner still believes that the tables are small.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

/// Rows of `row_state` that this transaction has read so far.
const READ: &str = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables \
                    where relid = 'offline_data.row_state'::regclass";

/// Adds tasks in one statement.
const ADD: &str = "insert into public.task (id, team_id, title) \
                   select gen_random_uuid(), $1, 't' from generate_series(1, $2::int)";

#[tokio::test]
async fn rows_that_moved_away_are_looked_up_by_key_not_by_scope() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let (mine, others) = (
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[]).await,
    );
    let mut device = Device::new(&db, me).await;
    db.sql(
        "alter table offline_data.row_state set (autovacuum_enabled = off);
        alter table offline_data.row_departure set (autovacuum_enabled = off)",
    )
    .await;
    // As many pulls as it takes until plans are kept, while there is next to nothing to read.
    fixtures::add_task(&db, mine, "t").await;
    db.sql("analyze offline_data.row_state, offline_data.row_departure")
        .await;
    for _ in 0..10 {
        device.pull().await;
    }
    db.rows(ADD, &[&mine, &3_000]).await;
    device.pull().await;
    let moved =
        "update public.task set team_id = $1 where id in (select id from public.task limit 100)";
    db.rows(moved, &[&others]).await;

    device.caller.sql("begin").await;
    let before: i64 = device
        .caller
        .client()
        .query_one(READ, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(device.pull().await.evicts, 100);
    let after: i64 = device
        .caller
        .client()
        .query_one(READ, &[])
        .await
        .unwrap()
        .get(0);
    device.caller.sql("commit").await;
    let read = after - before;
    // Looked up by scope it is 100 times 3,000. What came since the oldest transaction that runs anywhere in the cluster may be
    // looked at again.
    assert!(read <= 10_000, "{read} rows read for 100 changes");
}
