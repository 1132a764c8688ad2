//! What transactions do between two pulls.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn a_long_transaction_delays_only_its_own_rows() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut device = Device::new(&db, me).await;
    let insert = "insert into public.note (user_id, title) values ($1, $2)";
    let mut slow = db.connect("owner").await;
    let long = slow.transaction().await.unwrap();
    long.execute(insert, &[&me, &"long"]).await.unwrap();
    for round in 0..5 {
        db.rows(insert, &[&me, &format!("quick {round}")]).await;
        assert_eq!(device.pull().await.upserts, 1, "only what is new, at once");
    }
    long.execute("update public.note set n = 1 where title = 'long'", &[])
        .await
        .unwrap();
    long.commit().await.unwrap();
    assert_eq!(device.pull().await.upserts, 1);
    assert_eq!(device.pull().await.upserts, 0);
    device.assert_in_step("public.note").await;
}

#[tokio::test]
async fn what_was_rolled_back_is_never_seen_also_not_to_a_savepoint() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let me = caller.user();
    db.sql(&format!(
        "begin; insert into public.note (user_id, title) values ('{me}', 'rolled back'); rollback;
        begin;
        insert into public.note (user_id, title) values ('{me}', 'kept');
        savepoint s;
        insert into public.note (user_id, title) values ('{me}', 'undone');
        update public.note set title = 'undone' where title = 'kept';
        rollback to s;
        insert into public.note (user_id, title) values ('{me}', 'kept too');
        savepoint t;
        update public.note set n = 7;
        release t;
        commit;"
    ))
    .await;
    let page = caller.pull(device, &json!({})).await;
    assert_eq!(
        (page.upserted("title"), page.upserted("n")),
        (
            vec!["kept".into(), "kept too".into()],
            vec!["7".into(), "7".into()]
        )
    );
}

#[tokio::test]
async fn a_row_is_pulled_once_however_often_it_changed() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut device = Device::new(&db, me).await;
    db.rows(
        "insert into public.note (user_id) select $1 from generate_series(1, 3)",
        &[&me],
    )
    .await;
    for n in 0..10 {
        db.sql(&format!("update public.note set n = {n}")).await;
    }
    db.sql("delete from public.note where id = (select id from public.note limit 1)")
        .await;
    let totals = device.pull().await;
    assert_eq!((totals.upserts, totals.pages), (2, 1));
    device.assert_in_step("public.note").await;
}

#[tokio::test]
async fn truncate_deletes_all_rows_on_the_devices() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut device = Device::new(&db, me).await;
    db.rows(
        "insert into public.note (user_id) select $1 from generate_series(1, 5)",
        &[&me],
    )
    .await;
    device.pull().await;
    db.sql("truncate public.note").await;
    assert_eq!(device.pull().await.deletes, 5);
    device.assert_in_step("public.note").await;
    let fresh = Device::new(&db, me).await;
    assert_eq!(fresh.rows("public.note").len(), 0);
    db.rows("insert into public.note (user_id) values ($1)", &[&me])
        .await;
    assert_eq!(device.pull().await.upserts, 1);
}

#[tokio::test]
async fn a_write_that_changes_nothing_leaves_no_trace() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    db.rows(
        "insert into public.note (user_id, title) values ($1, 'same')",
        &[&caller.user()],
    )
    .await;
    let page = caller.pull(device, &json!({})).await;
    let traces = "select count(*) + max(version) from offline_data.row_history";
    let before: i64 = db.one(traces, &[]).await;
    db.sql(
        "update public.note set title = 'same', n = n; update public.note set n = 5 where false;
        delete from public.note where false; update public.note set title = title || ''",
    )
    .await;
    assert_eq!(db.one::<i64>(traces, &[]).await, before);
    assert!(
        caller
            .pull(device, &json!({ "cursor": page.cursor }))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn pull_reads_past_locks_and_takes_none_also_in_a_read_only_transaction() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    db.rows(
        "insert into public.note (user_id, title) select $1, 'locked' from generate_series(1, 3)",
        &[&caller.user()],
    )
    .await;
    let mut blocker = db.connect("postgres").await;
    let locks = blocker.transaction().await.unwrap();
    locks
        .batch_execute(
            "select * from public.note for update; select * from offline_data.row_state for update;
            select * from offline_data.device_sync_state for update; select * from offline_data.synced_table for update;
            lock table public.note, offline_data.row_state, offline_data.row_departure in exclusive mode",
        )
        .await
        .unwrap();
    caller
        .sql("set lock_timeout = '100ms'; begin read only")
        .await;
    let page = caller.pull(device, &json!({})).await;
    assert_eq!(page.upserted("title").len(), 3);
    let held = "select count(*) from pg_locks where pid = pg_backend_pid() and (mode <> 'AccessShareLock' and locktype in ('relation', 'tuple')
        or locktype = 'transactionid')";
    let held: i64 = caller.client().query_one(held, &[]).await.unwrap().get(0);
    assert_eq!(held, 0, "nothing that a writer could wait for");
    caller.sql("commit").await;
    locks.rollback().await.unwrap();
}

#[tokio::test]
async fn push_and_pull_in_one_call_see_each_other() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    db.rows(
        "insert into public.note (user_id, title) values ($1, 'there')",
        &[&caller.user()],
    )
    .await;
    let batch = json!({ "v": 1, "mutations": [
        { "seq": "1", "op": "insert", "table": "public.note", "key": { "id": Uuid::new_v4() }, "patch": { "title": "mine" } }] });
    let query = "select offline.sync($1, $2, null, '{}')::text";
    let answer: String = caller
        .client()
        .query_one(query, &[&device, &batch.to_string()])
        .await
        .unwrap()
        .get(0);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["push"]["results"][0]["status"], "applied");
    let cursor = answer["pull"]["cursor"].as_str().unwrap();
    let titles: Vec<String> = answer["pull"]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|set| {
            set["upserts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|upsert| upsert["row"]["title"].as_str().unwrap().to_owned())
        })
        .collect();
    let next = caller.pull(device, &json!({ "cursor": cursor })).await;
    let mut all: Vec<String> = titles.into_iter().chain(next.upserted("title")).collect();
    all.sort();
    all.dedup();
    assert_eq!(all, ["mine", "there"], "at the latest in the next pull");
}
