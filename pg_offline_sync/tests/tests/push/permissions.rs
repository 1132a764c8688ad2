//! The user's own policies and privileges decide, and nothing else.

use offline_sync_testkit::{Db, Op, fixtures, mutation};
use serde_json::json;
use uuid::Uuid;

use crate::user;

#[tokio::test]
async fn a_column_that_the_caller_has_no_privilege_for_is_refused() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    db.sql("revoke update on public.note from authenticated; grant update (title) on public.note to authenticated").await;
    let (caller, device) = user(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let batch = json!([
        mutation(1, Op::Insert, "public.note", &key, &json!({ "title": "a" })),
        mutation(2, Op::Update, "public.note", &key, &json!({ "title": "b" })),
        mutation(3, Op::Update, "public.note", &key, &json!({ "n": "5" })),
        mutation(4, Op::Delete, "public.note", &key, &json!({})),
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(
        answer.statuses(),
        ["applied", "applied", "rejected 42501", "applied"]
    );
}

#[tokio::test]
async fn a_row_can_be_inserted_where_no_policy_shows_it_to_its_author() {
    let db = Db::create().await;
    db.sql("create table public.report (id uuid primary key, user_id uuid default auth.uid(), body text, at timestamptz default now());
        alter table public.report enable row level security;
        create policy send on public.report for insert to authenticated with check (user_id = auth.uid())").await;
    db.enable_sync("public.report", json!({ "scope": "user_id" }))
        .await;
    let (caller, device) = user(&db).await;
    let insert = |seq, patch| {
        mutation(
            seq,
            Op::Insert,
            "public.report",
            &json!({ "id": Uuid::new_v4() }),
            &patch,
        )
    };
    let batch = json!([
        insert(1, json!({ "body": "a" })),
        insert(2, json!({ "body": "b", "user_id": Uuid::new_v4() }))
    ]);
    let answer = caller.push(device, &batch).await;
    assert_eq!(answer.statuses(), ["applied", "rejected 42501"]);
    assert!(
        answer.verdict(1).row_json().is_null(),
        "nothing that the author may not see is returned"
    );
    assert_eq!(
        db.one::<i64>("select count(*) from public.report", &[])
            .await,
        1
    );
    assert_eq!(
        caller.pull(device, &json!({})).await.upserted("id").len(),
        0
    );
}

#[tokio::test]
async fn a_table_that_the_caller_may_only_read_takes_no_mutation() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (caller, device) = user(&db).await;
    let id = Uuid::new_v4();
    db.rows(
        "insert into public.note values ($1, $2, 'a', 0)",
        &[&id, &caller.user()],
    )
    .await;
    db.sql("revoke insert, update, delete on public.note from authenticated")
        .await;
    let key = json!({ "id": id });
    let version = caller.pull(device, &json!({})).await.changes[0].upserts[0]
        .version
        .clone();
    let mut delete = mutation(2, Op::Delete, "public.note", &key, &json!({}));
    delete["base"] = json!(version);
    let batch = json!([
        mutation(1, Op::Update, "public.note", &key, &json!({ "title": "b" })),
        delete,
        mutation(3, Op::Upsert, "public.note", &key, &json!({ "title": "b" })),
        mutation(
            4,
            Op::Insert,
            "public.note",
            &json!({ "id": Uuid::new_v4() }),
            &json!({})
        ),
    ]);
    assert_eq!(
        caller.push(device, &batch).await.statuses(),
        ["rejected 42501"; 4]
    );
    assert_eq!(
        caller.pull(device, &json!({})).await.upserted("title"),
        ["a"]
    );
}

#[tokio::test]
async fn an_update_may_not_move_a_row_to_where_its_author_could_not_have_put_it() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    let (caller, device) = user(&db).await;
    let mine = fixtures::team(&db, &[caller.user()]).await;
    let theirs = fixtures::team(&db, &[Uuid::new_v4()]).await;
    let id = fixtures::add_task(&db, mine, "t").await;
    let moved = mutation(
        1,
        Op::Update,
        "public.task",
        &json!({ "id": id }),
        &json!({ "team_id": theirs }),
    );
    assert_eq!(
        caller.push(device, &json!([moved])).await.statuses(),
        ["rejected 42501"]
    );
    assert_eq!(
        db.one::<Uuid>("select team_id from public.task", &[]).await,
        mine
    );
}

#[tokio::test]
async fn a_row_that_leaves_the_authors_sight_by_their_own_edit_is_gone_from_their_device() {
    let db = Db::create().await;
    fixtures::tasks(&db, json!({})).await;
    db.sql("drop policy team on public.task;
        create policy see on public.task for select to authenticated using (not hidden);
        create policy change on public.task for update to authenticated using (true) with check (true)").await;
    let (caller, device) = user(&db).await;
    let team = fixtures::team(&db, &[caller.user()]).await;
    let id = fixtures::add_task(&db, team, "t").await;
    let first = caller.pull(device, &json!({})).await;
    let hide = mutation(
        1,
        Op::Update,
        "public.task",
        &json!({ "id": id }),
        &json!({ "hidden": true }),
    );
    let answer = caller.push(device, &json!([hide])).await;
    // Postgres itself wants the new row to be visible to who writes it with a condition on its columns.
    assert_eq!(answer.statuses(), ["rejected 42501"]);
    db.sql("update public.task set hidden = true").await;
    let page = caller
        .pull(device, &json!({ "cursor": first.cursor }))
        .await;
    assert_eq!(page.evicted("id"), [id.to_string()]);
}
