//! Poison: what is wrong with one mutation stays with that mutation.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::user;

const TABLES: &str = "
    create table public.list (id uuid primary key, user_id uuid not null default auth.uid());
    create table public.item (
        id uuid primary key,
        list_id uuid not null references public.list,
        user_id uuid not null default auth.uid(),
        n int check (n < 1000000));
    alter table public.list enable row level security;
    alter table public.item enable row level security;
    create policy own on public.list to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());
    create policy own on public.item to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());";

async fn lists(db: &Db) {
    db.sql(TABLES).await;
    db.enable_sync("public.list", json!({})).await;
    db.enable_sync("public.item", json!({})).await;
}

#[tokio::test]
async fn of_1000_inserts_3_bad_ones_are_rejected_with_their_sqlstate_and_997_applied() {
    let db = Db::create().await;
    lists(&db).await;
    let (caller, device) = user(&db).await;
    let list = Uuid::new_v4();
    caller
        .push(
            device,
            &json!([mutation(
                1,
                Op::Insert,
                "public.list",
                &json!({ "id": list }),
                &json!({})
            )]),
        )
        .await;
    let items: Vec<Value> = (2..=1001)
        .map(|seq| {
            let patch = match seq {
                300 => json!({ "list_id": list, "n": 1000000 }),
                600 => json!({ "list_id": Uuid::new_v4(), "n": 1 }),
                900 => json!({ "list_id": list, "n": 1, "user_id": Uuid::new_v4() }),
                _ => json!({ "list_id": list, "n": seq }),
            };
            mutation(
                seq,
                Op::Insert,
                "public.item",
                &json!({ "id": Uuid::new_v4() }),
                &patch,
            )
        })
        .collect();
    let answer = caller.push(device, &json!(items)).await;
    assert_eq!(answer.count("applied"), 997);
    assert_eq!(
        (answer.status(300), answer.status(600), answer.status(900)),
        (
            "rejected 23514".to_owned(),
            "rejected 23503".to_owned(),
            "rejected 42501".to_owned()
        )
    );
    let pages = caller
        .pull_all(device, None, &json!({ "limit": 400 }))
        .await;
    assert_eq!(
        pages.iter().map(|page| page.len()).sum::<usize>(),
        998,
        "the pull flows on"
    );
    let letters =
        "select count(*) from offline_data.sync_queue where status = 'dead' and error is not null";
    assert_eq!(db.one::<i64>(letters, &[]).await, 3, "kept as dead letters");
    let again = caller.push(device, &json!([items[298], items[299]])).await;
    assert_eq!(
        again.statuses(),
        ["duplicate of rejected", "duplicate of applied"]
    );
    assert_eq!(
        again.verdict(300).error.as_ref().unwrap()["code"],
        "23514",
        "the reason is told again"
    );
}

#[tokio::test]
async fn of_1000_updates_3_bad_ones_are_rejected_and_997_applied() {
    let db = Db::create().await;
    lists(&db).await;
    let (caller, device) = user(&db).await;
    let list = Uuid::new_v4();
    db.rows(
        "insert into public.list values ($1, $2)",
        &[&list, &caller.user()],
    )
    .await;
    let fill = "insert into public.item select gen_random_uuid(), $1, $2, g from generate_series(1, 1000) g returning id";
    let ids: Vec<Uuid> = db.column(fill, &[&list, &caller.user()]).await;
    let updates: Vec<Value> = ids
        .iter()
        .zip(1..)
        .map(|(id, seq)| {
            let patch = match seq {
                100 => json!({ "n": 1000000, "list_id": list, "user_id": caller.user() }),
                500 => json!({ "n": 5, "list_id": Uuid::new_v4(), "user_id": caller.user() }),
                1000 => json!({ "n": 5, "list_id": list, "user_id": Uuid::new_v4() }),
                _ => json!({ "n": 500000 + seq, "list_id": list, "user_id": caller.user() }),
            };
            mutation(seq, Op::Update, "public.item", &json!({ "id": id }), &patch)
        })
        .collect();
    let answer = caller.push(device, &json!(updates)).await;
    assert_eq!(
        answer.results.len()
            - answer
                .results
                .iter()
                .filter(|verdict| verdict.error.is_some())
                .count(),
        997
    );
    assert_eq!(
        (answer.status(100), answer.status(500), answer.status(1000)),
        (
            "rejected 23514".to_owned(),
            "rejected 23503".to_owned(),
            "rejected 42501".to_owned()
        )
    );
    assert_eq!(
        db.one::<i64>("select count(*) from public.item where n > 500000", &[])
            .await,
        997
    );
}

#[tokio::test]
async fn every_mutation_of_a_batch_may_be_bad() {
    let db = Db::create().await;
    lists(&db).await;
    let (caller, device) = user(&db).await;
    let items: Vec<Value> = (1..=64)
        .map(|seq| {
            mutation(
                seq,
                Op::Insert,
                "public.item",
                &json!({ "id": Uuid::new_v4() }),
                &json!({ "list_id": Uuid::new_v4() }),
            )
        })
        .collect();
    let answer = caller.push(device, &json!(items)).await;
    assert_eq!(answer.count("rejected 23503"), 64);
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.row_state", &[])
            .await,
        0
    );
}

#[tokio::test]
async fn a_second_insert_of_a_key_is_a_unique_violation_and_the_row_stays() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("alter table public.note add unique (title)").await;
    let (caller, device) = user(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let batch = json!([
        mutation(
            1,
            Op::Insert,
            "public.note",
            &key,
            &json!({ "title": "first" })
        ),
        mutation(
            2,
            Op::Insert,
            "public.note",
            &key,
            &json!({ "title": "second" })
        ),
        mutation(
            3,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({ "title": "first" })
        ),
        mutation(
            4,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({ "title": "third" })
        ),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        answer.statuses(),
        ["applied", "rejected 23505", "rejected 23505", "applied"]
    );
    let titles: Vec<String> = db
        .column("select title from public.note order by 1", &[])
        .await;
    assert_eq!(titles, ["first", "third"]);
}

#[tokio::test]
async fn unique_values_may_change_places_within_a_batch() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("alter table public.note add unique (title)").await;
    let (caller, device) = user(&db).await;
    let (one, two) = (
        json!({ "id": Uuid::new_v4() }),
        json!({ "id": Uuid::new_v4() }),
    );
    let edit = |seq, key: &Value, title: &str| {
        mutation(
            seq,
            Op::Update,
            "public.note",
            key,
            &json!({ "title": title }),
        )
    };
    let batch = json!([
        mutation(1, Op::Insert, "public.note", &one, &json!({ "title": "a" })),
        mutation(2, Op::Insert, "public.note", &two, &json!({ "title": "b" })),
        edit(3, &one, "tmp"),
        edit(4, &two, "a"),
        edit(5, &one, "b"),
    ]);
    assert_eq!(caller.push(device, &batch).await.count("applied"), 5);
    let titles: Vec<String> = db
        .column("select title from public.note order by title", &[])
        .await;
    assert_eq!(titles, ["a", "b"]);
}
