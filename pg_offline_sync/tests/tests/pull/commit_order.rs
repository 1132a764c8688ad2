//! Transactions commit in another order than they began. A committed row is in every later pull.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use offline_sync_testkit::{Db, Device, fixtures};
use rand::RngExt;
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn a_transaction_that_commits_late_with_an_early_xid_is_delivered() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let insert = "insert into public.note (user_id, title) values ($1, $2)";
    let mut slow = db.connect("owner").await;
    let early = slow.transaction().await.unwrap();
    early
        .execute(insert, &[&caller.user(), &"early"])
        .await
        .unwrap();
    db.rows(insert, &[&caller.user(), &"late"]).await;
    let first = caller.pull(device, &json!({})).await;
    assert_eq!(first.upserted("title"), ["late"]);
    db.rows(insert, &[&caller.user(), &"later"]).await;
    early.commit().await.unwrap();
    let second = caller
        .pull(device, &json!({ "cursor": first.cursor }))
        .await;
    assert_eq!(second.upserted("title"), ["early", "later"]);
    assert!(
        caller
            .pull(device, &json!({ "cursor": second.cursor }))
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_16_writers_with_random_delays_misses_nothing() {
    const WRITERS: usize = 16;
    const ROWS: usize = 4_000;
    let db = Arc::new(Db::create().await);
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let mut reader = Device::new(&db, user).await;
    reader.page_limit = 97;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let db = Arc::clone(&db);
        writers.spawn(async move { write(&db, user, writer, ROWS / WRITERS).await });
    }
    let finished = Arc::clone(&done);
    let all = tokio::spawn(async move {
        while let Some(written) = writers.join_next().await {
            written.unwrap();
        }
        finished.store(true, Ordering::Release);
    });
    let mut pulls = 0;
    while !done.load(Ordering::Acquire) {
        reader.pull().await;
        pulls += 1;
    }
    all.await.unwrap();
    reader.pull().await;
    let ids: BTreeSet<String> = db
        .column("select id::text from public.note", &[])
        .await
        .into_iter()
        .collect();
    let held: BTreeSet<String> = reader.rows("public.note").into_keys().collect();
    assert_eq!((ids.len(), held.len()), (ROWS, ROWS));
    assert_eq!(ids.symmetric_difference(&held).count(), 0);
    reader.assert_in_step("public.note").await;
    assert!(pulls >= 3, "the reader pulled throughout ({pulls} times)");
}

/// Inserts `rows` rows in transactions of random size, each updated once, with a pause before commit.
async fn write(db: &Db, user: Uuid, writer: usize, rows: usize) {
    let mut client = db.connect("owner").await;
    let mut left = rows;
    while left > 0 {
        let (size, pause) = {
            let mut random = rand::rng();
            (
                random.random_range(1..=40_usize).min(left),
                random.random_range(0..20_u64),
            )
        };
        let transaction = client.transaction().await.unwrap();
        let insert = "insert into public.note (user_id, title) select $1, $2 from generate_series(1, $3::int)";
        let title = format!("{writer}:{left}");
        let count = i32::try_from(size).unwrap();
        transaction
            .execute(insert, &[&user, &title, &count])
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(pause)).await;
        transaction
            .execute(
                "update public.note set n = n + 1 where title = $1",
                &[&title],
            )
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        left -= size;
    }
}
