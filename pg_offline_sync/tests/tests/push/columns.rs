//! Keys in patches, columns that come and go, patches without any.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn the_key_may_be_repeated_in_the_patch_but_not_changed_by_it() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let (id, other) = (Uuid::new_v4(), Uuid::new_v4());
    let batch = json!([
        mutation(
            1,
            Op::Insert,
            "public.note",
            &json!({ "id": id }),
            &json!({ "id": id.to_string().to_uppercase() })
        ),
        mutation(
            2,
            Op::Update,
            "public.note",
            &json!({ "id": id }),
            &json!({ "id": other, "title": "x" })
        ),
    ]);
    assert_eq!(
        caller.push(device, &batch).await.statuses(),
        ["applied", "rejected 22023"]
    );
    assert_eq!(
        db.column::<Uuid>("select id from public.note", &[]).await,
        [id]
    );
}

#[tokio::test]
async fn a_column_that_was_dropped_between_two_pushes_is_unknown_at_once() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let insert = mutation(1, Op::Insert, "public.note", &key, &json!({ "n": "1" }));
    assert_eq!(
        caller.push(device, &json!([insert])).await.statuses(),
        ["applied"]
    );
    db.sql("alter table public.note drop column n").await;
    let update = |seq, patch| mutation(seq, Op::Update, "public.note", &key, &patch);
    let batch = json!([
        update(2, json!({ "n": "2" })),
        update(3, json!({ "title": "still there" })),
    ]);
    assert_eq!(
        caller.push(device, &batch).await.statuses(),
        ["rejected 42703", "applied"]
    );
}

#[tokio::test]
async fn a_column_that_was_added_between_two_pushes_is_accepted_at_once() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let insert = mutation(1, Op::Insert, "public.note", &key, &json!({}));
    let early = mutation(
        2,
        Op::Update,
        "public.note",
        &key,
        &json!({ "mood": "early" }),
    );
    assert_eq!(
        caller
            .push(device, &json!([insert, early]))
            .await
            .statuses(),
        ["applied", "rejected 42703"]
    );
    db.sql("alter table public.note add mood text").await;
    let now = mutation(
        3,
        Op::Update,
        "public.note",
        &key,
        &json!({ "mood": "now" }),
    );
    assert_eq!(
        caller.push(device, &json!([now])).await.statuses(),
        ["applied"]
    );
    db.sql("alter table public.note rename mood to feeling; alter table public.note drop title")
        .await;
    let renamed = mutation(
        4,
        Op::Update,
        "public.note",
        &key,
        &json!({ "feeling": "renamed" }),
    );
    let dropped = mutation(
        5,
        Op::Update,
        "public.note",
        &key,
        &json!({ "title": "dropped" }),
    );
    let old_name = mutation(
        6,
        Op::Update,
        "public.note",
        &key,
        &json!({ "mood": "old" }),
    );
    assert_eq!(
        caller
            .push(device, &json!([renamed, dropped, old_name]))
            .await
            .statuses(),
        ["applied", "rejected 42703", "rejected 42703"]
    );
    let page = caller.pull(device, &json!({})).await;
    assert_eq!(page.upserted("feeling"), ["renamed"]);
}

#[tokio::test]
async fn a_column_that_was_dropped_between_two_pushes_costs_only_the_mutations_that_name_it() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("alter table public.note add mood text").await;
    let (caller, device) = user(&db).await;
    let (key, new) = (
        json!({ "id": Uuid::new_v4() }),
        json!({ "id": Uuid::new_v4() }),
    );
    let change = |seq, op, key, patch| mutation(seq, op, "public.note", key, &patch);
    let insert = change(1, Op::Insert, &key, json!({ "mood": "early" }));
    assert_eq!(
        caller.push(device, &json!([insert])).await.statuses(),
        ["applied"]
    );
    // The plan of the next push is made from the shape that this one read.
    db.sql("alter table public.note drop mood").await;
    let batch = json!([
        change(2, Op::Update, &key, json!({ "mood": "late" })),
        change(3, Op::Upsert, &key, json!({ "mood": "late" })),
        change(4, Op::Insert, &new, json!({ "mood": "late" })),
        change(
            5,
            Op::Insert,
            &new,
            json!({ "mood": "late", "title": "late" })
        ),
        change(6, Op::Update, &key, json!({ "title": "other" })),
    ]);
    let gone = "rejected 42703";
    assert_eq!(
        caller.push(device, &batch).await.statuses(),
        [gone, gone, gone, gone, "applied"]
    );
}

#[tokio::test]
async fn an_empty_batch_and_an_empty_patch_are_fine() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    assert_eq!(caller.push(device, &json!([])).await.acked_seq, "0");
    let key = json!({ "id": Uuid::new_v4() });
    let batch = json!([
        mutation(1, Op::Insert, "public.note", &key, &json!({})),
        mutation(2, Op::Update, "public.note", &key, &json!({})),
        mutation(3, Op::Upsert, "public.note", &key, &json!({})),
    ]);
    assert_eq!(caller.push(device, &batch).await.count("applied"), 3);
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.row_history", &[])
            .await,
        1
    );
}
