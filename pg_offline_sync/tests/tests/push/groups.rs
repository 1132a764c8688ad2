//! Atomic groups.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::user;

/// A mutation in a group.
pub fn grouped(mut mutation: Value, group: &str) -> Value {
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
