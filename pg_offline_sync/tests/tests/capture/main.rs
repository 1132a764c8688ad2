//! Writes by others: whoever writes a synced table, its devices hear of it.

use std::time::Instant;

use offline_sync_testkit::{Db, Device, fixtures};
use serde_json::json;
use uuid::Uuid;

async fn watched(db: &Db) -> (Device, Uuid) {
    fixtures::notes(db).await;
    let user = Uuid::new_v4();
    (Device::new(db, user).await, user)
}

/// Pulls, checks the device against the table; (upserts, deletes).
async fn pulled(device: &mut Device) -> (usize, usize) {
    let totals = device.pull().await;
    device.assert_in_step("public.note").await;
    (totals.upserts, totals.deletes)
}

#[tokio::test]
async fn statements_of_the_owner_are_captured_whatever_they_are() {
    let db = Db::create().await;
    let (mut device, user) = watched(&db).await;
    db.rows(
        "insert into public.note (user_id, n) select $1, g from generate_series(1, 10) g",
        &[&user],
    )
    .await;
    assert_eq!(pulled(&mut device).await, (10, 0));
    db.sql("update public.note set title = 'even' where n % 2 = 0")
        .await;
    assert_eq!(pulled(&mut device).await, (5, 0));
    db.sql("delete from public.note where n > 8").await;
    assert_eq!(pulled(&mut device).await, (0, 2));
    let upsert = "insert into public.note (id, user_id, title) select id, user_id, 'again' from public.note where n <= 3
        union all select gen_random_uuid(), $1, 'again'
        on conflict (id) do update set title = excluded.title";
    db.rows(upsert, &[&user]).await;
    assert_eq!(pulled(&mut device).await, (4, 0));
    db.sql(
        "with gone as (delete from public.note where n = 4 returning *)
        insert into public.note select gen_random_uuid(), user_id, title, n from gone",
    )
    .await;
    assert_eq!(pulled(&mut device).await, (1, 1));
    db.sql(
        "merge into public.note t using (select 5 as n union all select 6) s on t.n = s.n
        when matched and s.n = 5 then delete when matched then update set title = 'merged'",
    )
    .await;
    assert_eq!(pulled(&mut device).await, (1, 1));
    db.sql("insert into public.note select * from public.note where n = 6 on conflict do nothing")
        .await;
    assert_eq!(pulled(&mut device).await, (0, 0));
}

#[tokio::test]
async fn a_bulk_insert_and_a_bulk_update_in_one_session_take_seconds_not_hours() {
    let db = Db::create().await;
    let (_, user) = watched(&db).await;
    db.sql("create table public.plain (like public.note including defaults including indexes)")
        .await;
    let bulk = async |table: &str| {
        let started = Instant::now();
        let insert = format!(
            "insert into {table} (id, user_id, n) select gen_random_uuid(), $1, g from generate_series(1, 50000) g"
        );
        db.rows(&insert, &[&user]).await;
        db.sql(&format!("update {table} set n = n + 1")).await;
        started.elapsed().as_secs_f64()
    };
    // The plan of the capture statement is cached with the first statement's row count.
    db.rows("insert into public.note (user_id) values ($1)", &[&user])
        .await;
    db.sql("update public.note set n = 1").await;
    let (plain, synced) = (bulk("public.plain").await, bulk("public.note").await);
    // On a machine that does other things besides, seconds alone would say nothing.
    assert!(
        synced < 5.0 || synced < 10.0 * plain,
        "{synced} s, without capture {plain} s"
    );
    let state = "select count(*) from offline_data.row_state where not deleted";
    assert_eq!(db.one::<i64>(state, &[]).await, 50_001);
    assert_eq!(
        db.one::<i64>("select count(*) from offline_data.row_history", &[])
            .await,
        100_003
    );
}

#[tokio::test]
async fn a_changed_key_is_a_deletion_and_a_new_row() {
    let db = Db::create().await;
    let (mut device, user) = watched(&db).await;
    db.rows(
        "insert into public.note (user_id, n) select $1, g from generate_series(1, 3) g",
        &[&user],
    )
    .await;
    pulled(&mut device).await;
    db.sql("update public.note set id = gen_random_uuid(), title = 'moved' where n = 2")
        .await;
    assert_eq!(pulled(&mut device).await, (1, 1));

    db.sql(
        "create table public.slot (id int primary key, what text);
        alter table public.slot enable row level security;
        create policy everyone on public.slot to authenticated using (true);
        insert into public.slot values (1, 'a'), (2, 'b'), (3, 'c')",
    )
    .await;
    db.enable_sync("public.slot", json!({ "scope": "'public'" }))
        .await;
    device.pull().await;
    // All keys shift: two of the three are both an old and a new key.
    db.sql("update public.slot set id = id - 10; update public.slot set id = id + 11")
        .await;
    device.pull().await;
    device.assert_in_step("public.slot").await;
    assert_eq!(device.rows("public.slot").len(), 3);
}

#[tokio::test]
async fn other_roles_and_copy_are_captured() {
    let db = Db::create().await;
    let (mut device, user) = watched(&db).await;
    let service = db.connect("authenticator").await;
    service
        .batch_execute("set role service_role")
        .await
        .unwrap();
    service
        .execute(
            "insert into public.note (user_id, title) values ($1, 'service')",
            &[&user],
        )
        .await
        .unwrap();
    assert_eq!(pulled(&mut device).await, (1, 0));

    let caller = db.caller(user).await;
    caller
        .sql("insert into public.note (title) values ('directly through REST')")
        .await;
    assert_eq!(pulled(&mut device).await, (1, 0));

    let mut script = "copy public.note (user_id, title) from stdin;\n".to_owned();
    (0..100).for_each(|n| script.push_str(&format!("{user}\tcopied {n}\n")));
    db.psql(&(script + "\\.\n"));
    assert_eq!(pulled(&mut device).await, (100, 0));
}

#[tokio::test]
async fn what_was_written_past_the_triggers_is_found_by_enabling_again() {
    let db = Db::create().await;
    let (mut device, user) = watched(&db).await;
    db.rows(
        "insert into public.note (user_id, n) select $1, g from generate_series(1, 5) g",
        &[&user],
    )
    .await;
    pulled(&mut device).await;
    db.sql(&format!(
        "alter table public.note disable trigger user;
        insert into public.note (user_id, n) values ('{user}', 6);
        delete from public.note where n = 1;
        update public.note set user_id = gen_random_uuid() where n = 2;
        alter table public.note enable trigger user"
    ))
    .await;
    assert_eq!(device.pull().await.upserts, 0, "nobody saw it");
    let answer = db
        .enable_sync("public.note", json!({ "scope": "user_id" }))
        .await;
    assert_eq!(answer["rows"], 3);
    let totals = device.pull().await;
    assert_eq!((totals.upserts, totals.deletes, totals.evicts), (1, 1, 1));
    device.assert_in_step("public.note").await;
}

#[tokio::test]
async fn a_write_wakes_each_scope_once_a_transaction() {
    let db = Db::create().await;
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    let listener = offline_sync_testkit::listen(&db, "offline_wake", tx).await;
    let (_, user) = watched(&db).await;
    let (other, third) = (Uuid::new_v4(), Uuid::new_v4());
    db.sql(&format!(
        "begin;
        insert into public.note (user_id) select '{user}' from generate_series(1, 50);
        update public.note set n = 1;
        insert into public.note (user_id) values ('{other}'), ('{third}');
        commit;
        begin; update public.note set n = 2; rollback;
        notify offline_wake, 'end'"
    ))
    .await;
    let mut topics = Vec::new();
    while let Some(payload) = rx.recv().await {
        if payload == "end" {
            break;
        }
        let wake: serde_json::Value = serde_json::from_str(&payload).unwrap();
        assert_eq!(wake["event"], "wake");
        assert_eq!(wake["payload"]["v"], 1);
        assert_eq!(wake["payload"].as_object().unwrap().len(), 2, "no data");
        topics.push(wake["topic"].as_str().unwrap().to_owned());
    }
    listener.abort();
    topics.sort();
    let mut expected = [user, other, third].map(|id| format!("offline:user:{id}"));
    expected.sort();
    assert_eq!(topics, expected);
}

#[tokio::test]
async fn the_history_tells_who_changed_what_from_where() {
    let db = Db::create().await;
    let (mut device, user) = watched(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    device.insert(
        "public.note",
        key.clone(),
        json!({ "user_id": user, "title": "a" }),
    );
    device.update("public.note", key.clone(), json!({ "title": "b" }));
    device.push().await;
    db.sql("update public.note set title = 'c'; delete from public.note")
        .await;
    let query = "select concat_ws(' ', op, user_id = $1, device_id = $2, device_seq, old ->> 'title', new ->> 'title')
        from offline_data.row_history order by version";
    let id = device.id;
    let lines: Vec<String> = db.column(query, &[&user.to_string(), &id]).await;
    assert_eq!(lines, ["i t t 1", "u t t 2 a b", "u b c", "d c"]);
}
