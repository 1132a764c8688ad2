//! Insert, update, upsert, delete, in the order in which the person did them.

use offline_sync_testkit::{Db, Device, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn mutations_of_one_row_are_applied_in_the_order_of_intent() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut one = Device::new(&db, me).await;
    let mut two = Device::new(&db, me).await;
    let (table, key) = ("public.note", json!({ "id": Uuid::new_v4() }));
    one.insert(table, key.clone(), json!({ "user_id": me, "title": "a" }));
    one.update(table, key.clone(), json!({ "title": "b" }));
    one.update(table, key.clone(), json!({ "n": "5" }));
    one.delete(table, key.clone());
    one.insert(table, key.clone(), json!({ "user_id": me, "title": "c" }));
    one.update(table, key.clone(), json!({ "title": "d" }));
    one.upsert(table, key.clone(), json!({ "user_id": me, "n": "9" }));
    assert_eq!(one.push().await.count("applied"), 7);
    two.pull().await;
    for device in [&one, &two] {
        device.assert_in_step(table).await;
        let row = device.view(table, &key).unwrap();
        assert_eq!(
            (row["title"].as_str(), row["n"].as_str()),
            ("\"d\"", "\"9\"")
        );
    }
}

#[tokio::test]
async fn interleaved_edits_of_many_rows_keep_the_order_of_each_row() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut one = Device::new(&db, me).await;
    let keys: Vec<_> = (0..20).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    for key in &keys {
        one.insert("public.note", key.clone(), json!({ "user_id": me }));
    }
    for round in 0..10 {
        for (at, key) in keys.iter().enumerate() {
            let patch = if (round + at) % 2 == 0 {
                json!({ "title": format!("{round}") })
            } else {
                json!({ "n": round.to_string(), "title": format!("{round} and n") })
            };
            one.update("public.note", key.clone(), patch);
        }
    }
    let expected: Vec<_> = keys
        .iter()
        .map(|key| one.view("public.note", key).unwrap())
        .collect();
    assert_eq!(one.push().await.count("applied"), 220);
    one.assert_in_step("public.note").await;
    for (key, expected) in keys.iter().zip(expected) {
        assert_eq!(
            one.view("public.note", key).unwrap(),
            expected,
            "what the person saw is what is stored"
        );
    }
}

#[tokio::test]
async fn an_upsert_inserts_a_new_row_with_its_defaults_and_changes_an_existing_one() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let me = Uuid::new_v4();
    let mut one = Device::new(&db, me).await;
    let mut two = Device::new(&db, me).await;
    let key = json!({ "id": Uuid::new_v4() });
    one.upsert("public.note", key.clone(), json!({ "title": "new" }));
    assert_eq!(one.push().await.statuses(), ["applied"]);
    one.pull().await;
    one.assert_in_step("public.note").await;
    two.pull().await;
    two.upsert("public.note", key.clone(), json!({ "n": "3" }));
    assert_eq!(two.push().await.statuses(), ["applied"]);
    one.pull().await;
    for device in [&one, &two] {
        device.assert_in_step("public.note").await;
    }
    let row = one.view("public.note", &key).unwrap();
    assert_eq!(
        (row["title"].as_str(), row["n"].as_str()),
        ("\"new\"", "\"3\"")
    );
}

#[tokio::test]
async fn an_insert_with_defaults_brings_the_row_back() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let id = Uuid::new_v4();
    let answer = caller
        .push(
            device,
            &json!([mutation(
                1,
                Op::Insert,
                "public.note",
                &json!({ "id": id }),
                &json!({})
            )]),
        )
        .await;
    let verdict = answer.verdict(1);
    let expected = json!({ "id": id, "user_id": caller.user(), "title": null, "n": "0" });
    assert_eq!(
        (verdict.row_json(), verdict.scope.clone()),
        (expected, Some(caller.user().to_string()))
    );
}

#[tokio::test]
async fn deleting_what_does_not_exist_is_applied() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let gone = |seq| mutation(seq, Op::Delete, "public.note", &key, &json!({}));
    let insert = mutation(3, Op::Insert, "public.note", &key, &json!({}));
    let answer = caller
        .push(device, &json!([gone(1), gone(2), insert, gone(4), gone(5)]))
        .await;
    assert_eq!(answer.count("applied"), 5);
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        0
    );
}

#[tokio::test]
async fn updating_or_deleting_what_one_may_not_see_is_the_same_as_updating_what_is_not_there() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (theirs, missing) = (Uuid::new_v4(), Uuid::new_v4());
    db.rows(
        "insert into public.note values ($1, gen_random_uuid(), 'theirs', 0)",
        &[&theirs],
    )
    .await;
    let (caller, device) = user(&db).await;
    let edit = |seq, id: Uuid| {
        mutation(
            seq,
            Op::Update,
            "public.note",
            &json!({ "id": id }),
            &json!({ "title": "x" }),
        )
    };
    let answer = caller
        .push(device, &json!([edit(1, theirs), edit(2, missing)]))
        .await;
    assert_eq!(answer.statuses(), ["rejected 42501", "rejected 42501"]);
    assert_eq!(
        answer.verdict(1).error,
        answer.verdict(2).error,
        "no way to tell them apart"
    );
    let delete = mutation(
        3,
        Op::Delete,
        "public.note",
        &json!({ "id": theirs }),
        &json!({}),
    );
    let upsert = mutation(
        4,
        Op::Upsert,
        "public.note",
        &json!({ "id": theirs }),
        &json!({ "title": "x" }),
    );
    let answer = caller.push(device, &json!([delete, upsert])).await;
    assert_eq!(answer.status(3), "rejected 42501");
    assert!(
        answer.status(4).starts_with("rejected"),
        "{}",
        answer.status(4)
    );
    assert_eq!(
        db.one::<String>("select title from public.note", &[]).await,
        "theirs"
    );
}
