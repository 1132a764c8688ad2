//! Atomic groups.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::user;

fn grouped(mut mutation: Value, group: &str) -> Value {
    mutation["group"] = json!(group);
    mutation
}

#[tokio::test]
async fn a_group_is_applied_together_or_not_at_all() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let insert = |seq, title: &str| {
        mutation(
            seq,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({ "title": title }),
        )
    };
    let batch = json!([
        grouped(insert(1, "good"), "a"),
        grouped(insert(2, "good"), "a"),
        grouped(insert(3, "lost"), "b"),
        grouped(insert(4, &"x".repeat(201)), "b"),
        grouped(
            mutation(
                5,
                Op::Delete,
                "public.note",
                &json!({ "id": Uuid::new_v4() }),
                &json!({})
            ),
            "b"
        ),
        insert(6, "alone"),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        (answer.status(1), answer.status(2)),
        ("applied".into(), "applied".into())
    );
    assert_eq!(answer.status(4), "rejected 23514");
    assert_eq!(
        answer.status(5),
        "rejected PT424",
        "a companion of another kind"
    );
    assert!(answer.status(3).starts_with("rejected"));
    assert_eq!(
        answer.verdict(5).error.as_ref().unwrap()["detail"],
        "3",
        "what it failed with"
    );
    assert_eq!(answer.status(6), "applied");
    let titles: Vec<String> = db
        .column("select title from public.note order by 1", &[])
        .await;
    assert_eq!(titles, ["alone", "good", "good"]);
}

#[tokio::test]
async fn a_group_with_a_mutation_that_can_never_be_applied_is_rejected_as_a_whole() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let batch = json!([
        grouped(
            mutation(1, Op::Insert, "public.note", &key, &json!({ "title": "a" })),
            "g"
        ),
        grouped(
            mutation(
                2,
                Op::Update,
                "public.note",
                &key,
                &json!({ "no_such_column": 1 })
            ),
            "g"
        ),
    ]);
    assert_eq!(
        caller.push(device, &batch).await.statuses(),
        ["rejected PT424", "rejected 42703"]
    );
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        0
    );
}

#[tokio::test]
async fn deferrable_constraints_are_checked_at_the_end_of_a_group() {
    let db = Db::create().await;
    db.sql("create table public.a (id int primary key, b_id int not null);
        create table public.b (id int primary key, a_id int not null);
        alter table public.a add constraint a_b foreign key (b_id) references public.b deferrable initially immediate;
        alter table public.b add constraint b_a foreign key (a_id) references public.a deferrable initially immediate").await;
    for table in ["public.a", "public.b"] {
        db.sql(&format!("alter table {table} enable row level security; create policy p on {table} to authenticated using (true)"))
            .await;
        db.enable_sync(table, json!({ "scope": "'public'" })).await;
    }
    let (caller, device) = user(&db).await;
    let a = |seq, id, b_id| {
        mutation(
            seq,
            Op::Insert,
            "public.a",
            &json!({ "id": id }),
            &json!({ "b_id": b_id }),
        )
    };
    let b = |seq, id, a_id| {
        mutation(
            seq,
            Op::Insert,
            "public.b",
            &json!({ "id": id }),
            &json!({ "a_id": a_id }),
        )
    };
    let batch = json!([
        grouped(a(1, 1, 10), "circle"),
        grouped(b(2, 10, 1), "circle"),
        grouped(a(3, 2, 20), "broken"),
        grouped(b(4, 20, 3), "broken"),
        a(5, 4, 10),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(answer.status(1), "applied");
    assert_eq!(answer.status(2), "applied");
    assert!(answer.status(3).starts_with("rejected") && answer.status(4).starts_with("rejected"));
    assert!([answer.status(3), answer.status(4)].contains(&"rejected 23503".to_owned()));
    assert_eq!(answer.status(5), "applied");
    let ids: Vec<i32> = db.column("select id from public.a order by 1", &[]).await;
    assert_eq!(ids, [1, 4]);
}

#[tokio::test]
async fn a_group_may_be_spread_over_the_batch_and_its_members_see_each_other() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let (one, two) = (
        json!({ "id": Uuid::new_v4() }),
        json!({ "id": Uuid::new_v4() }),
    );
    let batch = json!([
        grouped(
            mutation(1, Op::Insert, "public.note", &one, &json!({ "title": "1" })),
            "g"
        ),
        mutation(2, Op::Insert, "public.note", &two, &json!({ "title": "2" })),
        grouped(
            mutation(3, Op::Update, "public.note", &one, &json!({ "title": "3" })),
            "g"
        ),
        grouped(
            mutation(4, Op::Delete, "public.note", &one, &json!({})),
            "g"
        ),
    ]);
    assert_eq!(caller.push(device, &batch).await.count("applied"), 4);
    let titles: Vec<String> = db.column("select title from public.note", &[]).await;
    assert_eq!(titles, ["2"]);
}

/// Two notes of a user, and a connection that holds a lock on the first.
async fn two_notes(db: &Db, caller: &offline_sync_testkit::Caller, device: Uuid) -> [Value; 2] {
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
    let [locked, free] = two_notes(&db, &caller, device).await;
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
    let [locked, free] = two_notes(&db, &caller, device).await;
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
    let [one, two] = two_notes(&db, &caller, device).await;
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
