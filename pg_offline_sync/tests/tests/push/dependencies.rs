//! "after": what depends on a mutation shares its fate.

use offline_sync_testkit::{Db, Op, eventually, fixtures, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::user;

fn after(mut mutation: Value, seqs: &[&str]) -> Value {
    mutation["after"] = json!(seqs);
    mutation
}

fn insert(seq: u64, title: &str) -> Value {
    mutation(
        seq,
        Op::Insert,
        "public.note",
        &json!({ "id": Uuid::new_v4() }),
        &json!({ "title": title }),
    )
}

#[tokio::test]
async fn what_depends_on_a_rejected_mutation_is_rejected_with_it() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let batch = json!([
        insert(1, &"x".repeat(201)),
        after(insert(2, "child"), &["1"]),
        after(insert(3, "grandchild"), &["2"]),
        after(insert(4, "of two"), &["5", "1"].map(|_| "1")),
        insert(5, "alone"),
        after(insert(6, "of a good one"), &["5"]),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        answer.statuses(),
        [
            "rejected 23514",
            "rejected PT424",
            "rejected PT424",
            "rejected PT424",
            "applied",
            "applied"
        ]
    );
    assert_eq!(answer.verdict(3).error.as_ref().unwrap()["detail"], "2");
    let answer = caller
        .push(
            device,
            &json!([
                after(insert(7, "in a later batch"), &["1"]),
                after(insert(8, "fine"), &["5"])
            ]),
        )
        .await;
    assert_eq!(answer.statuses(), ["rejected PT424", "applied"]);
}

#[tokio::test]
async fn what_depends_on_a_mutation_that_is_refused_without_trying_is_rejected_with_it() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let unknown = mutation(
        1,
        Op::Insert,
        "public.nowhere",
        &json!({ "id": 1 }),
        &json!({}),
    );
    let answer = caller
        .push(device, &json!([unknown, after(insert(2, "child"), &["1"])]))
        .await;
    assert_eq!(answer.statuses(), ["rejected 42P01", "rejected PT424"]);
}

#[tokio::test]
async fn a_locked_row_defers_its_mutation_and_what_depends_on_it_until_a_later_push() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let id = Uuid::new_v4();
    let key = json!({ "id": id });
    caller
        .push(
            device,
            &json!([mutation(
                1,
                Op::Insert,
                "public.note",
                &key,
                &json!({ "title": "a" })
            )]),
        )
        .await;

    let mut blocker = db.connect("owner").await;
    let lock = blocker.transaction().await.unwrap();
    lock.execute("select from public.note where id = $1 for update", &[&id])
        .await
        .unwrap();
    caller.sql("set lock_timeout = '50ms'").await;
    let batch = json!([
        mutation(
            2,
            Op::Update,
            "public.note",
            &key,
            &json!({ "title": "locked" })
        ),
        after(insert(3, "depends"), &["2"]),
        insert(4, "does not"),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        answer.statuses(),
        ["deferred 55P03", "deferred PT425", "applied"]
    );
    assert_eq!(answer.acked_seq, "4");
    let answer = caller.push(device, &json!([])).await;
    assert!(
        answer
            .results
            .iter()
            .all(|verdict| verdict.status == "deferred"),
        "still locked: {answer:?}"
    );
    lock.rollback().await.unwrap();

    let later = std::cell::RefCell::new(Vec::new());
    eventually("the deferred mutations are decided", || async {
        let answer = caller.push(device, &json!([])).await;
        later.borrow_mut().extend(
            answer
                .results
                .iter()
                .map(|verdict| (verdict.seq.clone(), verdict.summary())),
        );
        later
            .borrow()
            .iter()
            .filter(|(_, summary)| summary == "applied")
            .count()
            == 2
    })
    .await;
    let titles: Vec<String> = db
        .column("select title from public.note order by 1", &[])
        .await;
    assert_eq!(titles, ["depends", "does not", "locked"]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        answer.statuses(),
        [
            "duplicate of applied",
            "duplicate of applied",
            "duplicate of applied"
        ]
    );
}

#[tokio::test]
async fn one_locked_row_among_many_delays_the_call_once() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let ids: Vec<Uuid> = (0..64).map(|_| Uuid::new_v4()).collect();
    let inserts: Vec<Value> = ids
        .iter()
        .zip(1..)
        .map(|(id, seq)| {
            mutation(
                seq,
                Op::Insert,
                "public.note",
                &json!({ "id": id }),
                &json!({}),
            )
        })
        .collect();
    caller.push(device, &json!(inserts)).await;
    let mut blocker = db.connect("owner").await;
    let lock = blocker.transaction().await.unwrap();
    lock.execute(
        "select from public.note where id = $1 for update",
        &[&ids[33]],
    )
    .await
    .unwrap();
    let updates: Vec<Value> = ids
        .iter()
        .zip(65..)
        .map(|(id, seq)| {
            mutation(
                seq,
                Op::Update,
                "public.note",
                &json!({ "id": id }),
                &json!({ "n": "1" }),
            )
        })
        .collect();
    let started = std::time::Instant::now();
    let answer = caller.push(device, &json!(updates)).await;
    assert_eq!(
        (answer.count("applied"), answer.count("deferred 55P03")),
        (63, 1)
    );
    assert!(
        started.elapsed().as_secs() < 6,
        "{:?}: the default wait is two seconds, once",
        started.elapsed()
    );
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_later_edit_of_a_row_waits_behind_a_deferred_one() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let id = Uuid::new_v4();
    let key = json!({ "id": id });
    let edit = |seq, title: &str| {
        mutation(
            seq,
            Op::Update,
            "public.note",
            &key,
            &json!({ "title": title }),
        )
    };
    let mut first = edit(1, "new");
    first["op"] = json!("insert");
    caller.push(device, &json!([first])).await;

    let mut blocker = db.connect("owner").await;
    let lock = blocker.transaction().await.unwrap();
    lock.execute("select from public.note where id = $1 for update", &[&id])
        .await
        .unwrap();
    caller.sql("set lock_timeout = '50ms'").await;
    let answer = caller.push(device, &json!([edit(2, "a")])).await;
    assert_eq!(answer.statuses(), ["deferred 55P03"]);
    // A second attempt fails too, so that the third is not due at once.
    caller.push(device, &json!([])).await;
    lock.rollback().await.unwrap();

    let answer = caller.push(device, &json!([edit(3, "b")])).await;
    assert_ne!(
        answer.status(3),
        "applied",
        "it would be overtaken by the older edit"
    );
    eventually("both edits are decided, in their order", || async {
        caller.push(device, &json!([])).await;
        db.one::<i64>(
            "select count(*) from offline_data.sync_queue where status = 'deferred'",
            &[],
        )
        .await
            == 0
    })
    .await;
    assert_eq!(
        db.one::<String>("select title from public.note", &[]).await,
        "b"
    );
}
