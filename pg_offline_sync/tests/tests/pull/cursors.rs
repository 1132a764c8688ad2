//! Cursors, epochs, and what is the device's own.

use offline_sync_testkit::{Db, Device, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn a_bad_cursor_is_an_argument_error() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let good = caller.pull(device, &json!({})).await.cursor;
    let mut cut = good.clone();
    cut.truncate(good.len() - 7);
    let swapped: String = good
        .chars()
        .map(|c| if c == 'e' { 'f' } else { c })
        .collect();
    for cursor in [
        "",
        "x",
        "1",
        "2abc",
        "1e30",
        "1bm90IGpzb24",
        "null",
        "1\u{0}",
        &cut,
        &swapped,
        &format!("{good}="),
        &good.repeat(2),
    ] {
        let error = caller
            .pull_text(device, &json!({ "cursor": cursor }))
            .await
            .map(|_| ());
        let code = if cursor.contains('\0') {
            "22P05"
        } else {
            "22023"
        };
        assert_eq!(error.unwrap_err().code, code, "{cursor:.40}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_epoch_starts_over_and_says_so() {
    let (db, other) = (Db::create().await, Db::create().await);
    for db in [&db, &other] {
        fixtures::notes(db).await;
    }
    let me = Uuid::new_v4();
    let mut device = Device::new(&db, me).await;
    let foreign = Device::new(&other, me).await;
    device.insert(
        "public.note",
        json!({ "id": Uuid::new_v4() }),
        json!({ "user_id": me }),
    );
    device.sync().await;
    device.cursor = foreign.cursor.clone();
    let totals = device.pull().await;
    assert_eq!(
        (totals.reset, totals.upserts),
        (true, 1),
        "also what the device wrote itself"
    );
    device.assert_in_step("public.note").await;
    assert!(!device.pull().await.reset);
}

#[tokio::test]
async fn what_the_device_wrote_and_saw_the_verdict_of_does_not_come_back() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let start = caller.pull(device, &json!({})).await.cursor;
    let keys: Vec<_> = (0..3).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    let batch: Vec<_> = keys
        .iter()
        .zip(1..)
        .map(|(key, seq)| {
            mutation(
                seq,
                Op::Insert,
                "public.note",
                key,
                &json!({ "n": seq.to_string() }),
            )
        })
        .collect();
    caller.push(device, &json!(batch)).await;
    let numbers =
        async |request: serde_json::Value| caller.pull(device, &request).await.upserted("n");
    assert_eq!(
        numbers(json!({ "cursor": start })).await,
        ["1", "2", "3"],
        "seen_seq not said"
    );
    assert_eq!(
        numbers(json!({ "cursor": start, "seen_seq": "1", "push_scopes": true })).await,
        ["2", "3"]
    );
    assert_eq!(
        numbers(json!({ "cursor": start, "seen_seq": 3, "push_scopes": true })).await,
        Vec::<String>::new()
    );
    assert_eq!(
        numbers(json!({ "cursor": start, "seen_seq": "3" }))
            .await
            .len(),
        3,
        "their scopes are not known from push"
    );
    assert_eq!(
        numbers(json!({ "cursor": null, "seen_seq": "3", "push_scopes": true }))
            .await
            .len(),
        3,
        "a fresh start brings all"
    );
    let other = caller.new_device().await;
    assert_eq!(
        caller
            .pull(other, &json!({ "seen_seq": "3", "push_scopes": true }))
            .await
            .upserted("n")
            .len(),
        3
    );
    db.sql("update public.note set n = 9 where n = 2").await;
    assert_eq!(
        numbers(json!({ "cursor": start, "seen_seq": "3", "push_scopes": true })).await,
        ["9"],
        "changed by others since"
    );
}

#[tokio::test]
async fn a_row_that_the_device_moved_itself_still_leaves_the_others() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let (me, other) = (Uuid::new_v4(), Uuid::new_v4());
    let (from, to) = (
        fixtures::team(&db, &[me, other]).await,
        fixtures::team(&db, &[me]).await,
    );
    let id = fixtures::add_task(&db, from, "t").await;
    let (mut mine, mut theirs) = (Device::new(&db, me).await, Device::new(&db, other).await);
    mine.update("public.task", json!({ "id": id }), json!({ "team_id": to }));
    mine.sync().await;
    assert_eq!(theirs.pull().await.evicts, 1);
    mine.assert_in_step("public.task").await;
    theirs.assert_in_step("public.task").await;
    assert_eq!(
        mine.row("public.task", &json!({ "id": id })).unwrap().scope,
        to.to_string()
    );
}

#[tokio::test]
async fn the_epoch_is_the_same_everywhere_and_changes_with_the_storage() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let epoch: String = db.one("select offline.epoch()", &[]).await;
    assert_eq!(epoch.len(), 32);
    assert_eq!(caller.pull(device, &json!({})).await.epoch, epoch);
    assert_eq!(caller.push(device, &json!([])).await.epoch, epoch);
    assert_eq!(
        caller.try_register(device, &json!({})).await.unwrap()["epoch"],
        json!(epoch)
    );
    db.sql(
        "update offline_data.meta set value = gen_random_uuid()::text where name = 'storage_id'",
    )
    .await;
    assert_ne!(db.one::<String>("select offline.epoch()", &[]).await, epoch);
}

#[tokio::test]
async fn a_clock_and_a_time_come_with_every_answer() {
    let db = Db::create().await;
    let (caller, device) = user(&db).await;
    let (pull, push) = (
        caller.pull(device, &json!({})).await,
        caller.push(device, &json!([])).await,
    );
    for (now, hlc) in [
        (&pull.server_now, &pull.server_hlc),
        (&push.server_now, &push.server_hlc),
    ] {
        let ms: i64 = db
            .one(
                "select (extract(epoch from $1::text::timestamptz) * 1000)::bigint",
                &[now],
            )
            .await;
        let clock = hlc.parse::<i64>().unwrap() >> 16;
        assert!(
            (clock - ms).abs() < 1_000 && now.ends_with('Z'),
            "{now} {hlc}"
        );
    }
}
