//! Row level security has the last word.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

const TASK: &str = "public.task";

async fn with_tasks(db: &Db) -> (Device, Vec<Uuid>) {
    fixtures::tasks(db, json!({})).await;
    let me = Uuid::new_v4();
    let team = fixtures::team(db, &[me]).await;
    let mut ids = Vec::new();
    for title in ["a", "b", "c"] {
        ids.push(fixtures::add_task(db, team, title).await);
    }
    (Device::new(db, me).await, ids)
}

#[tokio::test]
async fn a_row_that_its_policy_hides_is_evicted_and_comes_back_when_shown() {
    let db = Db::create().await;
    let (mut device, ids) = with_tasks(&db).await;
    db.rows(
        "update public.task set hidden = true, title = 'secret' where id = $1",
        &[&ids[0]],
    )
    .await;
    let text = device
        .caller
        .pull_text(device.id, &json!({ "cursor": device.cursor }))
        .await
        .unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(device.pull().await.evicts, 1);
    device.assert_in_step(TASK).await;
    db.rows(
        "update public.task set title = 'still secret' where id = $1",
        &[&ids[0]],
    )
    .await;
    let text = device
        .caller
        .pull_text(device.id, &json!({ "cursor": device.cursor }))
        .await
        .unwrap();
    assert!(!text.contains("secret"), "{text}");
    db.rows(
        "update public.task set hidden = false where id = $1",
        &[&ids[0]],
    )
    .await;
    assert_eq!(device.pull().await.upserts, 1);
    device.assert_in_step(TASK).await;
}

#[tokio::test]
async fn a_hidden_row_is_not_told_to_a_new_device_at_all() {
    let db = Db::create().await;
    let (device, ids) = with_tasks(&db).await;
    db.rows(
        "update public.task set hidden = true where id = $1",
        &[&ids[0]],
    )
    .await;
    let fresh = device.caller.new_device().await;
    let text = device.caller.pull_text(fresh, &json!({})).await.unwrap();
    assert!(!text.contains(&ids[0].to_string()), "{text}");
}

#[tokio::test]
async fn a_policy_that_changes_without_any_change_of_rows_is_followed() {
    let db = Db::create().await;
    let (mut device, _) = with_tasks(&db).await;
    db.sql("alter policy team on public.task using (title <> 'a')")
        .await;
    assert_eq!(device.pull().await.evicts, 1);
    device.assert_in_step(TASK).await;

    db.sql("create policy narrow on public.task as restrictive for select to authenticated using (title <> 'b')").await;
    assert!(device.pull().await.evicts >= 1);
    device.assert_in_step(TASK).await;

    db.sql("drop policy narrow on public.task; alter policy team on public.task using (true)")
        .await;
    device.pull().await;
    device.assert_in_step(TASK).await;
    assert_eq!(device.rows(TASK).len(), 3);

    db.sql("drop policy team on public.task").await;
    device.pull().await;
    assert_eq!(device.rows(TASK).len(), 0);

    db.sql("alter table public.task disable row level security")
        .await;
    device.pull().await;
    assert_eq!(device.rows(TASK).len(), 3);
}

#[tokio::test]
async fn a_policy_that_changes_is_followed_with_small_pages_too() {
    let db = Db::create().await;
    let (mut device, _) = with_tasks(&db).await;
    device.page_limit = 1;
    db.sql("alter policy team on public.task using (title <> 'a')")
        .await;
    device.pull().await;
    device.assert_in_step(TASK).await;
    assert_eq!(device.pull().await.upserts, 0, "once");
}

#[tokio::test]
async fn a_policy_that_changes_between_two_pages_is_followed_by_the_next_pull() {
    let db = Db::create().await;
    let (mut device, _) = with_tasks(&db).await;
    db.sql("update public.task set likes = 1").await;
    let request = json!({ "cursor": device.cursor, "limit": 2 });
    device.cursor = Some(device.caller.pull(device.id, &request).await.cursor);
    db.sql("alter policy team on public.task using (title <> 'a')")
        .await;
    device.pull().await;
    device.pull().await;
    device.assert_in_step(TASK).await;
    assert_eq!(device.pull().await.upserts, 0);
}

#[tokio::test]
async fn revoked_privileges_are_an_error_for_the_caller_and_not_an_eviction() {
    let db = Db::create().await;
    let (device, _) = with_tasks(&db).await;
    db.sql("revoke select on public.task from authenticated; update public.task set likes = 1")
        .await;
    let error = device
        .caller
        .pull_text(device.id, &json!({ "cursor": device.cursor }))
        .await
        .unwrap_err();
    assert_eq!(error.code, "42501");
}
