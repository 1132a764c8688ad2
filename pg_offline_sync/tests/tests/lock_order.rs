//! Pushes of several devices lock the rows that they change in one order, and wait for them with patience that ends.

use offline_sync_testkit::{Db, Op, eventually, fixtures, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

fn key(n: u128) -> Value {
    json!({ "id": Uuid::from_u128(n) })
}

/// Titles of the later rows first, then numbers of the earlier ones: two runs.
fn changes(first_seq: u64) -> Value {
    let titles = (11..=20).map(|n| (n, json!({ "title": "changed" })));
    let numbers = (1..=10).map(|n| (n, json!({ "n": "7" })));
    let patches = titles.chain(numbers).zip(first_seq..);
    patches
        .map(|((n, patch), seq)| mutation(seq, Op::Update, "public.note", &key(n), &patch))
        .collect()
}

#[tokio::test]
async fn a_push_that_waits_for_a_row_holds_none_that_comes_after_it() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let caller = db.caller(user).await;
    let device = caller.new_device().await;
    let rows: Value = (1..=20)
        .map(|n| {
            mutation(
                n,
                Op::Insert,
                "public.note",
                &key(n.into()),
                &json!({ "title": "new" }),
            )
        })
        .collect();
    assert_eq!(caller.push(device, &rows).await.count("applied"), 20);

    let mut blocker = db.connect("owner").await;
    let first = blocker.transaction().await.unwrap();
    first
        .execute(
            "select from public.note where id = $1 for update",
            &[&Uuid::from_u128(1)],
        )
        .await
        .unwrap();
    caller.sql("set lock_timeout = '60s'").await;
    let pid: i32 = caller
        .client()
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let watcher = async {
        eventually("the push waits", || async {
            let waits = "select exists (select from pg_locks where pid = $1 and not granted)";
            db.one::<bool>(waits, &[&pid]).await
        })
        .await;
        let free = "select id from public.note where id <> $1 for update nowait";
        assert_eq!(
            db.rows(free, &[&Uuid::from_u128(1)]).await.len(),
            19,
            "nothing behind the first row is locked"
        );
        first.rollback().await.unwrap();
    };
    let changes = changes(21);
    let (answer, ()) = tokio::join!(caller.push(device, &changes), watcher);
    assert_eq!(answer.count("applied"), 20);
}

#[tokio::test]
async fn a_locked_row_is_deferred_before_supabases_time_limit_ends_the_statement() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let insertion = mutation(
        1,
        Op::Insert,
        "public.note",
        &key(1),
        &json!({ "title": "new" }),
    );
    caller.push(device, &json!([insertion])).await;

    let mut blocker = db.connect("owner").await;
    let lock = blocker.transaction().await.unwrap();
    let query = "select from public.note where id = $1 for update";
    lock.execute(query, &[&Uuid::from_u128(1)]).await.unwrap();
    caller
        .sql("set lock_timeout = '2s'; set statement_timeout = '2s'")
        .await;
    let locked = mutation(
        2,
        Op::Update,
        "public.note",
        &key(1),
        &json!({ "title": "b" }),
    );
    let other = mutation(
        3,
        Op::Insert,
        "public.note",
        &key(2),
        &json!({ "title": "c" }),
    );
    let answer = caller.push(device, &json!([locked, other])).await;
    assert_eq!(answer.statuses(), ["deferred 55P03", "applied"]);
    lock.rollback().await.unwrap();
}
