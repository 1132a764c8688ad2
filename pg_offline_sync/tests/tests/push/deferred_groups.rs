//! Atomic groups that cannot be applied at once.

use offline_sync_testkit::{Caller, Db, Op, fixtures, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::groups::grouped;
use crate::user;

/// Two notes of a user who does not wait long for locks.
async fn two_notes(caller: &Caller, device: Uuid) -> [Value; 2] {
    let keys = [Uuid::new_v4(), Uuid::new_v4()].map(|id| json!({ "id": id }));
    let insert = |seq, key| {
        mutation(
            seq,
            Op::Insert,
            "public.note",
            key,
            &json!({ "title": "old" }),
        )
    };
    let batch = json!([insert(1, &keys[0]), insert(2, &keys[1])]);
    assert_eq!(caller.push(device, &batch).await.count("applied"), 2);
    caller.sql("set lock_timeout = '50ms'").await;
    keys
}

#[tokio::test]
async fn a_deferred_group_is_tried_again_as_one() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let [locked, free] = two_notes(&caller, device).await;
    let set = |seq, key, title: &str| {
        mutation(
            seq,
            Op::Update,
            "public.note",
            key,
            &json!({ "title": title }),
        )
    };
    let mut blocker = db.connect("owner").await;
    let lock = blocker.transaction().await.unwrap();
    let id: Uuid = serde_json::from_value(locked["id"].clone()).unwrap();
    lock.execute("select from public.note where id = $1 for update", &[&id])
        .await
        .unwrap();
    let batch = json!([
        grouped(set(3, &free, "of a bad group"), "g"),
        grouped(set(4, &locked, &"x".repeat(201)), "g"),
        mutation(
            5,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({ "title": "between" })
        ),
        grouped(set(6, &locked, "of a bad group, too"), "g"),
    ]);
    assert_eq!(
        caller.push(device, &batch).await.statuses(),
        [
            "deferred 55P03",
            "deferred 55P03",
            "applied",
            "deferred 55P03"
        ]
    );
    // The name is used again in another batch: another group.
    let batch = json!([
        grouped(set(7, &free, "of a good group"), "g"),
        grouped(set(8, &locked, "of a good group"), "g"),
    ]);
    assert_eq!(caller.push(device, &batch).await.count("deferred PT425"), 2);
    lock.rollback().await.unwrap();

    db.sql("update offline_data.sync_queue set next_attempt_at = '-infinity'")
        .await;
    let answer = caller.push(device, &json!([])).await;
    assert_eq!(
        answer.statuses(),
        [
            "rejected PT424",
            "rejected 23514",
            "rejected PT424",
            "applied",
            "applied"
        ]
    );
    let titles: Vec<String> = db
        .column("select title from public.note order by 1", &[])
        .await;
    assert_eq!(titles, ["between", "of a good group", "of a good group"]);
}

#[tokio::test]
async fn a_deferred_group_that_can_no_longer_be_applied_is_rejected_as_a_whole() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let [locked, free] = two_notes(&caller, device).await;
    let mut blocker = db.connect("owner").await;
    let lock = blocker.transaction().await.unwrap();
    let id: Uuid = serde_json::from_value(locked["id"].clone()).unwrap();
    lock.execute("select from public.note where id = $1 for update", &[&id])
        .await
        .unwrap();
    let batch = json!([
        grouped(
            mutation(
                3,
                Op::Update,
                "public.note",
                &locked,
                &json!({ "title": "new" })
            ),
            "g"
        ),
        grouped(
            mutation(4, Op::Update, "public.note", &free, &json!({ "n": "1" })),
            "g"
        ),
    ]);
    assert_eq!(caller.push(device, &batch).await.count("deferred 55P03"), 2);
    lock.rollback().await.unwrap();
    db.sql("alter table public.note drop column n; update offline_data.sync_queue set next_attempt_at = '-infinity'")
        .await;
    let answer = caller.push(device, &json!([])).await;
    assert_eq!(answer.statuses(), ["rejected PT424", "rejected 42703"]);
    let titles: Vec<String> = db.column("select title from public.note", &[]).await;
    assert_eq!(titles, ["old", "old"]);
}

#[tokio::test]
async fn a_group_waits_behind_what_came_too_early_on_one_of_its_rows() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let [one, two] = two_notes(&caller, device).await;
    let set = |seq, key| {
        mutation(
            seq,
            Op::Update,
            "public.note",
            key,
            &json!({ "title": "new" }),
        )
    };
    let batch = json!([
        // There is such a row: it may come right when all else is in place.
        mutation(
            3,
            Op::Insert,
            "public.note",
            &one,
            &json!({ "title": "again" })
        ),
        grouped(set(4, &one), "g"),
        grouped(set(5, &two), "g"),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(answer.count("deferred PT425"), 3);
    db.sql("update offline_data.sync_queue set next_attempt_at = '-infinity'")
        .await;
    let answer = caller.push(device, &json!([])).await;
    assert_eq!(answer.statuses(), ["rejected 23505", "applied", "applied"]);
}
