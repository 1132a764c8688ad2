//! Scopes gained, lost, moved and shared.

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

const TASK: &str = "public.task";

#[tokio::test]
async fn a_gained_scope_is_sent_from_the_start_while_the_others_go_on() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let (old, new) = (
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[]).await,
    );
    for team in [old, old, old, new, new] {
        fixtures::add_task(&db, team, "t").await;
    }
    let mut device = Device::new(&db, me).await;
    assert_eq!(device.rows(TASK).len(), 3);
    fixtures::join(&db, new, me).await;
    fixtures::add_task(&db, old, "u").await;
    assert_eq!(
        device.pull().await.upserts,
        3,
        "two of the gained scope, one of the other"
    );
    device.assert_in_step(TASK).await;
    assert_eq!(device.pull().await.upserts, 0);
}

#[tokio::test]
async fn a_lost_scope_is_named_and_its_rows_are_dropped() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let (kept, lost) = (
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[me]).await,
    );
    for team in [kept, lost, lost] {
        fixtures::add_task(&db, team, "t").await;
    }
    let mut device = Device::new(&db, me).await;
    fixtures::leave(&db, lost, me).await;
    fixtures::add_task(&db, lost, "after the end").await;
    let page = device
        .caller
        .pull(device.id, &json!({ "cursor": device.cursor }))
        .await;
    assert_eq!(
        (page.revoked_scopes, page.changes.len()),
        (vec![lost.to_string()], 0)
    );
    assert_eq!(device.pull().await.evicts, 2);
    device.assert_in_step(TASK).await;
    assert_eq!(device.pull().await.evicts, 0, "told once");

    fixtures::join(&db, lost, me).await;
    assert_eq!(device.pull().await.upserts, 3, "regained: from the start");
    device.assert_in_step(TASK).await;
}

#[tokio::test]
async fn a_row_handed_to_another_scope_leaves_those_who_had_it_and_reaches_those_who_have_it_now() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let (a, b, both) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let (from, to) = (
        fixtures::team(&db, &[a, both]).await,
        fixtures::team(&db, &[b, both]).await,
    );
    let id = fixtures::add_task(&db, from, "t").await;
    let mut devices = Vec::new();
    for user in [a, b, both] {
        devices.push(Device::new(&db, user).await);
    }
    db.rows(
        "update public.task set team_id = $1 where id = $2",
        &[&to, &id],
    )
    .await;
    let mut totals = Vec::new();
    for device in &mut devices {
        totals.push(device.pull().await);
        device.assert_in_step(TASK).await;
    }
    assert_eq!(
        totals
            .iter()
            .map(|t| (t.upserts, t.evicts))
            .collect::<Vec<_>>(),
        [(0, 1), (1, 0), (1, 0)]
    );
    assert_eq!(
        devices[2].row(TASK, &json!({ "id": id })).unwrap().scope,
        to.to_string()
    );

    // And back, and there again, between two pulls.
    for team in [from, to, from] {
        db.rows("update public.task set team_id = $1", &[&team])
            .await;
    }
    for device in &mut devices {
        device.pull().await;
        device.assert_in_step(TASK).await;
    }
    db.sql("delete from public.task").await;
    for device in &mut devices {
        device.pull().await;
        device.assert_in_step(TASK).await;
    }
}

#[tokio::test]
async fn a_row_that_moved_and_was_deleted_is_gone_everywhere() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let (a, b) = (Uuid::new_v4(), Uuid::new_v4());
    let (from, to) = (
        fixtures::team(&db, &[a]).await,
        fixtures::team(&db, &[b]).await,
    );
    fixtures::add_task(&db, from, "t").await;
    let (mut at_a, mut at_b) = (Device::new(&db, a).await, Device::new(&db, b).await);
    db.rows("update public.task set team_id = $1", &[&to]).await;
    db.sql("delete from public.task").await;
    at_a.pull().await;
    at_b.pull().await;
    assert_eq!((at_a.rows(TASK).len(), at_b.rows(TASK).len()), (0, 0));
}

#[tokio::test]
async fn a_row_that_moved_to_a_scope_new_to_the_device_and_was_deleted_there_is_gone_too() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let (from, to) = (
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[]).await,
    );
    fixtures::add_task(&db, from, "t").await;
    let mut device = Device::new(&db, me).await;
    db.rows("update public.task set team_id = $1", &[&to]).await;
    fixtures::join(&db, to, me).await;
    db.sql("delete from public.task").await;
    device.pull().await;
    device.assert_in_step(TASK).await;
}

/// Two tables whose rows are all of scope `x`, which a user may have for either.
async fn two_tables(db: &Db) {
    db.sql("create table public.right_to (kind text, value text, user_id uuid);
        grant select on public.right_to to authenticated;
        create table public.a (id int primary key, s text);
        create table public.b (id int primary key, s text);
        alter table public.a enable row level security; alter table public.b enable row level security;
        create policy p on public.a to authenticated using (s in (select value from public.right_to where kind = 'a' and user_id = auth.uid()));
        create policy p on public.b to authenticated using (s in (select value from public.right_to where kind = 'b' and user_id = auth.uid()));
        insert into public.a select g, 'x' from generate_series(1, 3) g;
        insert into public.b select g, 'x' from generate_series(1, 2) g").await;
    for kind in ["a", "b"] {
        let members = format!(
            "select value from public.right_to where kind = '{kind}' and user_id = auth.uid()"
        );
        db.enable_sync(
            &format!("public.{kind}"),
            json!({ "scope": "s", "members": members }),
        )
        .await;
    }
}

#[tokio::test]
async fn a_scope_value_that_is_lost_for_one_table_only_evicts_the_rows_of_that_table() {
    let db = Db::create().await;
    two_tables(&db).await;
    let me = Uuid::new_v4();
    db.rows(
        "insert into public.right_to values ('a', 'x', $1), ('b', 'x', $1)",
        &[&me],
    )
    .await;
    let mut device = Device::new(&db, me).await;
    db.sql("delete from public.right_to where kind = 'a'").await;
    let page = device
        .caller
        .pull(device.id, &json!({ "cursor": device.cursor }))
        .await;
    assert_eq!(
        (page.revoked_scopes.len(), page.evicted("id")),
        (0, vec!["1".into(), "2".into(), "3".into()])
    );
    device.pull().await;
    assert_eq!(
        (device.rows("public.a").len(), device.rows("public.b").len()),
        (0, 2)
    );
    assert_eq!(device.pull().await.evicts, 0);
}

#[tokio::test]
async fn a_scope_value_that_is_lost_for_one_table_only_also_takes_what_was_deleted_or_left_it_since()
 {
    let db = Db::create().await;
    two_tables(&db).await;
    let me = Uuid::new_v4();
    db.rows(
        "insert into public.right_to values ('a', 'x', $1), ('b', 'x', $1)",
        &[&me],
    )
    .await;
    let mut device = Device::new(&db, me).await;
    assert_eq!(device.rows("public.a").len(), 3);
    db.sql("update public.a set s = 'y' where id = 1; update public.a set s = null where id = 2; delete from public.a where id = 3;
        delete from public.right_to where kind = 'a'")
        .await;
    device.pull().await;
    assert_eq!(
        (device.rows("public.a").len(), device.rows("public.b").len()),
        (0, 2)
    );
}

#[tokio::test]
async fn losing_a_scope_of_many_rows_for_one_of_two_tables_works_with_small_pages() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let team = fixtures::team(&db, &[me]).await;
    for _ in 0..7 {
        fixtures::add_task(&db, team, "t").await;
    }
    let mut device = Device::new(&db, me).await;
    device.page_limit = 2;
    fixtures::leave(&db, team, me).await;
    let other = fixtures::team(&db, &[me]).await;
    for _ in 0..7 {
        fixtures::add_task(&db, other, "t").await;
    }
    device.pull().await;
    device.assert_in_step(TASK).await;
    assert_eq!(device.rows(TASK).len(), 7);
}

#[tokio::test]
async fn membership_that_changes_between_pages_ends_right() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let me = Uuid::new_v4();
    let (stays, goes, comes) = (
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[me]).await,
        fixtures::team(&db, &[]).await,
    );
    for team in [stays, goes, comes] {
        for _ in 0..6 {
            fixtures::add_task(&db, team, "t").await;
        }
    }
    let mut device = Device::new(&db, me).await;
    for team in [stays, goes, comes] {
        db.rows(
            "update public.task set title = 'changed' where team_id = $1",
            &[&team],
        )
        .await;
    }
    let page = device
        .caller
        .pull(device.id, &json!({ "cursor": device.cursor, "limit": 4 }))
        .await;
    assert!(page.has_more);
    fixtures::leave(&db, goes, me).await;
    fixtures::join(&db, comes, me).await;
    device.cursor = Some(page.cursor);
    device.pull().await;
    device.pull().await;
    let rows = device.rows(TASK);
    // The first page was not taken in: what it brought of the scope that stays is still the old title.
    assert_eq!(
        rows.len(),
        12,
        "of the team that stays and the one that comes"
    );
    let comes = format!("\"{comes}\"");
    assert!(
        rows.values()
            .filter(|row| row["team_id"] == comes)
            .all(|row| row["title"] == "\"changed\"")
    );
}
