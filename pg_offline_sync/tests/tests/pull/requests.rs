//! What a request may ask for besides: tables, schema, topics.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn only_the_tables_that_were_asked_for_are_pulled() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    fixtures::tasks(&db, json!({})).await;
    let (caller, device) = user(&db).await;
    let team = fixtures::team(&db, &[caller.user()]).await;
    fixtures::add_task(&db, team, "t").await;
    db.rows(
        "insert into public.note (user_id) values ($1)",
        &[&caller.user()],
    )
    .await;
    let tables = async |request: serde_json::Value| {
        let page = caller.pull(device, &request).await;
        let tables: Vec<String> = page.changes.iter().map(|set| set.table.clone()).collect();
        (tables, page.cursor)
    };
    let (found, cursor) = tables(json!({ "tables": ["public.task"] })).await;
    assert_eq!(found, ["public.task"]);
    let (found, cursor) = tables(json!({ "tables": ["public.note"], "cursor": cursor })).await;
    assert_eq!(found, ["public.note"], "the cursor did not jump over it");
    let (mut found, _) = tables(json!({})).await;
    found.sort();
    assert_eq!(found, ["public.note", "public.task"]);
    assert_eq!(
        tables(json!({ "tables": [] })).await.0,
        Vec::<String>::new()
    );
    for bad in [
        json!(["public.nowhere"]),
        json!(["public.note", "public.member"]),
        json!(["pg_class"]),
    ] {
        let error = caller
            .pull_text(device, &json!({ "tables": bad, "cursor": cursor }))
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023");
    }
}

#[tokio::test]
async fn going_back_and_forth_between_tables_misses_nothing() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let team = fixtures::team(&db, &[me]).await;
    let mut device = Device::new(&db, me).await;
    let mut tasks = 0;
    for round in 0..6 {
        fixtures::add_task(&db, team, "t").await;
        db.rows("insert into public.note (user_id) values ($1)", &[&me])
            .await;
        let table = if round % 2 == 0 {
            "public.task"
        } else {
            "public.note"
        };
        let request = json!({ "cursor": device.cursor, "tables": [table] });
        let page = device.caller.pull(device.id, &request).await;
        tasks += page
            .changes
            .iter()
            .filter(|set| set.table == "public.task")
            .map(|set| set.upserts.len())
            .sum::<usize>();
        device.cursor = Some(page.cursor);
    }
    let page = device
        .caller
        .pull(device.id, &json!({ "cursor": device.cursor }))
        .await;
    tasks += page
        .changes
        .iter()
        .filter(|set| set.table == "public.task")
        .map(|set| set.upserts.len())
        .sum::<usize>();
    assert!(
        tasks >= 6,
        "each task at least once, also those written while only notes were pulled ({tasks})"
    );
}

#[tokio::test]
async fn what_was_deleted_while_only_other_tables_were_pulled_is_told_later() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let (team, lost) = (
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[me]).await,
    );
    for team in [team, team, lost] {
        fixtures::add_task(&db, team, "t").await;
    }
    let mut device = Device::new(&db, me).await;
    assert_eq!(device.rows("public.task").len(), 3);
    db.rows("delete from public.task where id = (select id from public.task where team_id = $1 limit 1)", &[&team]).await;
    fixtures::leave(&db, lost, me).await;
    for _ in 0..3 {
        let request = json!({ "cursor": device.cursor, "tables": ["public.note"], "limit": 1 });
        let page = device.caller.pull(device.id, &request).await;
        device.cursor = Some(page.cursor);
        db.rows(
            "insert into public.note (user_id) select $1 from generate_series(1, 3)",
            &[&me],
        )
        .await;
    }
    // The pull under way is finished first; then come the other tables.
    device.pull().await;
    device.pull().await;
    device.assert_in_step("public.task").await;
}

#[tokio::test]
async fn the_schema_comes_first_and_then_only_when_it_changed() {
    let db = Db::create().await;
    fixtures::tasks(
        &db,
        json!({ "exclude": ["grade"], "policy": { "columns": { "likes": "counter" } } }),
    )
    .await;
    let (caller, device) = user(&db).await;
    let first = caller.pull(device, &json!({})).await;
    let schema = first.schema.expect("a schema");
    let table = &schema["tables"]["public.task"];
    assert_eq!(
        (&table["key"], &table["scope_kind"]),
        (&json!(["id"]), &json!("team"))
    );
    assert_eq!(
        table["policy"],
        json!({ "columns": { "likes": "counter" } })
    );
    assert_eq!(
        table["columns"],
        json!({ "id": "uuid", "team_id": "uuid", "title": "text", "likes": "integer", "hidden": "boolean" })
    );
    let second = caller
        .pull(device, &json!({ "cursor": first.cursor }))
        .await;
    assert!(second.schema.is_none());
    db.sql("alter table public.task add due date").await;
    let third = caller
        .pull(device, &json!({ "cursor": second.cursor }))
        .await;
    assert_eq!(
        third.schema.expect("it changed")["tables"]["public.task"]["columns"]["due"],
        "date"
    );
    assert!(
        caller
            .pull(device, &json!({ "cursor": third.cursor }))
            .await
            .schema
            .is_none()
    );
    let known = json!({ "cursor": null, "schema": schema["hash"] });
    assert!(
        caller.pull(device, &known).await.schema.is_some(),
        "another one than the client knows"
    );
    assert!(
        caller
            .pull(device, &json!({ "cursor": third.cursor, "schema": "old" }))
            .await
            .schema
            .is_some()
    );
}

#[tokio::test]
async fn topics_come_first_and_then_only_when_the_scopes_changed() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let (caller, device) = user(&db).await;
    let team = fixtures::team(&db, &[caller.user()]).await;
    let own = format!("offline:user:{}", caller.user());
    let first = caller.pull(device, &json!({})).await;
    assert_eq!(
        first.topics,
        Some(vec![format!("offline:team:{team}"), own.clone()])
    );
    let second = caller
        .pull(device, &json!({ "cursor": first.cursor }))
        .await;
    assert_eq!(second.topics, None);
    fixtures::leave(&db, team, caller.user()).await;
    let third = caller
        .pull(device, &json!({ "cursor": second.cursor }))
        .await;
    assert_eq!(third.topics, Some(vec![own]));
}

#[tokio::test]
async fn limits_of_a_page_can_be_set_by_the_owner_and_not_by_the_caller() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let superuser = db.connect("postgres").await;
    superuser
        .batch_execute(&format!(
            "alter database {} set offline_sync.pull_rows_max = 5",
            db.name()
        ))
        .await
        .unwrap();
    let (caller, device) = user(&db).await;
    db.rows(
        "insert into public.note (user_id) select $1 from generate_series(1, 9)",
        &[&caller.user()],
    )
    .await;
    let page = caller.pull(device, &json!({})).await;
    assert_eq!((page.len(), page.has_more), (5, true));
    let error = caller
        .pull_text(device, &json!({ "limit": 6 }))
        .await
        .unwrap_err();
    assert_eq!(error.code, "22023");
    let error = caller
        .try_sql("set offline_sync.pull_rows_max = 1000")
        .await
        .unwrap_err();
    assert_eq!(error.code, "42501");
}
