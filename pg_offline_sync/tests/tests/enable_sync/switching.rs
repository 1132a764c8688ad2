//! Enabling, changing and disabling sync of a table that has rows.

use offline_sync_testkit::{Db, Device, fixtures, visible_rows};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn rows_that_were_there_before_are_pulled() {
    let db = Db::create().await;
    let user = Uuid::new_v4();
    db.sql(
        "create table public.old (id int primary key, user_id uuid, title text);
        alter table public.old enable row level security;
        create policy own on public.old to authenticated using (user_id = auth.uid())",
    )
    .await;
    db.rows(
        "insert into public.old select g, $1, 'old ' || g from generate_series(1, 50) g",
        &[&user],
    )
    .await;
    let answer = db.enable_sync("public.old", json!({})).await;
    assert_eq!(answer["rows"], 50);
    let device = Device::new(&db, user).await;
    assert_eq!(device.rows("public.old").len(), 50);
    assert_eq!(
        db.enable_sync("public.old", json!({})).await["rows"],
        0,
        "again: nothing was out of line"
    );
}

#[tokio::test]
async fn another_scope_moves_the_rows_and_evicts_them_from_who_had_them() {
    let db = Db::create().await;
    let (author, editor) = (Uuid::new_v4(), Uuid::new_v4());
    db.sql(
        "create table public.doc (id int primary key, author uuid, editor uuid);
        alter table public.doc enable row level security;
        create policy either on public.doc to authenticated using (auth.uid() in (author, editor))",
    )
    .await;
    db.rows(
        "insert into public.doc select g, $1, $2 from generate_series(1, 3) g",
        &[&author, &editor],
    )
    .await;
    db.enable_sync("public.doc", json!({ "scope": "author" }))
        .await;
    let mut at_author = Device::new(&db, author).await;
    let mut at_editor = Device::new(&db, editor).await;
    assert_eq!(
        (
            at_author.rows("public.doc").len(),
            at_editor.rows("public.doc").len()
        ),
        (3, 0)
    );

    assert_eq!(
        db.enable_sync("public.doc", json!({ "scope": "editor" }))
            .await["rows"],
        3
    );
    assert_eq!(at_author.pull().await.evicts, 3);
    assert_eq!(at_editor.pull().await.upserts, 3);
    assert_eq!(
        (
            at_author.rows("public.doc").len(),
            at_editor.rows("public.doc").len()
        ),
        (0, 3)
    );
}

#[tokio::test]
async fn options_can_be_changed_while_devices_go_on() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let mut device = Device::new(&db, user).await;
    let key = json!({ "id": Uuid::new_v4() });
    device.insert(
        "public.note",
        key.clone(),
        json!({ "user_id": user, "title": "a", "n": "1" }),
    );
    device.sync().await;
    db.enable_sync(
        "public.note",
        json!({ "scope": "user_id", "policy": { "columns": { "n": "counter" } },
        "exclude": ["title"] }),
    )
    .await;
    device.pull().await;
    let visible = visible_rows(&device.caller, "public.note", &["id"], &["title"], "true").await;
    let fresh = Device::new(&db, user).await;
    assert_eq!(fresh.rows("public.note"), visible);
    let columns = fresh.view("public.note", &key).unwrap();
    assert!(!columns.contains_key("title"), "{columns:?}");
}

#[tokio::test]
async fn disabling_removes_everything_of_the_table_but_its_rows() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let user = Uuid::new_v4();
    let mut device = Device::new(&db, user).await;
    for n in 0..5 {
        device.insert(
            "public.note",
            json!({ "id": Uuid::new_v4() }),
            json!({ "user_id": user, "n": n.to_string() }),
        );
    }
    device.sync().await;
    db.sql("select offline.disable_sync('public.note')").await;
    let left = "select (select count(*) from offline_data.synced_table) + (select count(*) from offline_data.row_state)
        + (select count(*) from offline_data.row_history) + (select count(*) from offline_data.row_departure)
        + (select count(*) from pg_trigger where not tgisinternal and tgrelid = 'public.note'::regclass)
        + (select count(*) from pg_proc where pronamespace = 'offline_data'::regnamespace)";
    assert_eq!(db.one::<i64>(left, &[]).await, 0);
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        5
    );
    db.sql("update public.note set n = n + 1").await;
    let error = db
        .try_sql("select offline.disable_sync('public.note')")
        .await
        .unwrap_err();
    assert_eq!(error.code, "22023");

    device.insert(
        "public.note",
        json!({ "id": Uuid::new_v4() }),
        json!({ "user_id": user }),
    );
    assert_eq!(device.push().await.statuses(), ["rejected 42P01"]);
    device.pull().await;
    assert_eq!(
        device.rows("public.note").len(),
        0,
        "what is not synced any more is dropped"
    );
}
