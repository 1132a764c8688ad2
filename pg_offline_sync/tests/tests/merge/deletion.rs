//! Deletion on one side, an edit on the other.

use offline_sync_testkit::{Db, Device, Op, fixtures};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, push_at, settle};

/// One device deletes, the other edits, both offline. Status of the second push, and whether the card lives.
async fn race(rule: &str, delete_first: bool) -> (String, bool, Option<String>) {
    let db = Db::create().await;
    cards(&db, json!({ "on_delete": rule })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base", "b": "kept" })).await;
    devices[0].delete(TABLE, key.clone());
    devices[1].update(TABLE, key.clone(), json!({ "a": "edited" }));
    let order = if delete_first { [0, 1] } else { [1, 0] };
    let mut last = String::new();
    for n in order {
        last = devices[n].push().await.statuses().pop().expect("a verdict");
    }
    for device in &mut devices {
        device.pull().await;
        device.assert_in_step(TABLE).await;
    }
    let row = devices[0].view(TABLE, &key);
    (
        last,
        row.is_some(),
        row.map(|row| format!("{}{}", row["a"], row["b"])),
    )
}

#[tokio::test]
async fn the_rule_of_the_table_decides_in_either_order() {
    let edited = Some("\"edited\"\"kept\"".to_owned());
    for (rule, delete_first, status, lives) in [
        ("update_wins", true, "merged", true),
        ("update_wins", false, "merged", true),
        ("delete_wins", true, "merged", false),
        ("delete_wins", false, "merged", false),
        ("manual", true, "conflict", false),
        ("manual", false, "conflict", true),
    ] {
        let found = race(rule, delete_first).await;
        let expected = (
            status.to_owned(),
            lives,
            lives.then(|| edited.clone()).flatten(),
        );
        assert_eq!(found, expected, "{rule}, deletion first: {delete_first}");
    }
}

/// It was a conflict that nobody was asked about, and the deletion was lost.
#[tokio::test]
async fn a_change_of_a_column_that_no_device_knows_keeps_no_row_from_being_deleted() {
    for rule in ["update_wins", "delete_wins", "manual"] {
        let db = Db::create().await;
        cards(&db, json!({ "on_delete": rule })).await;
        db.sql(
            "alter table public.card add secret text; select offline.enable_sync('public.card',
            (select options || '{\"exclude\": [\"secret\"]}' from offline_data.synced_table))",
        )
        .await;
        let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
        db.sql("update public.card set secret = 'changed'").await;
        devices[1].delete(TABLE, key.clone());
        assert_eq!(devices[1].push().await.statuses(), ["applied"], "{rule}");
        devices[0].pull().await;
        assert!(devices[0].view(TABLE, &key).is_none());
    }
}

#[tokio::test]
async fn a_resurrected_row_comes_back_with_all_its_columns() {
    let db = Db::create().await;
    db.sql("create table public.rich (id int8 primary key, a text, raw bytea, big int8, doc jsonb, at timestamptz, secret text,
            twice int8 generated always as (big * 2) stored);
        alter table public.rich enable row level security;
        create policy everyone on public.rich to authenticated using (true) with check (true)").await;
    db.enable_sync(
        "public.rich",
        json!({ "scope": "'public'", "exclude": ["secret"] }),
    )
    .await;
    db.sql("insert into public.rich values (1, 'a', '\\x0001ff', 4503599627370497, '{\"k\": [1, 2.50]}', '2026-01-01T00:00:00Z', 's')").await;
    let (mut one, mut two) = (
        Device::new(&db, Uuid::new_v4()).await,
        Device::new(&db, Uuid::new_v4()).await,
    );
    let before = one.view("public.rich", &json!({ "id": "1" })).unwrap();
    two.delete("public.rich", json!({ "id": "1" }));
    two.push().await;
    one.update(
        "public.rich",
        json!({ "id": "1" }),
        json!({ "a": "edited" }),
    );
    assert_eq!(one.push().await.statuses(), ["merged"]);
    let mut after = one.view("public.rich", &json!({ "id": "1" })).unwrap();
    assert_eq!(after.remove("a").as_deref(), Some("\"edited\""));
    assert!(
        after.iter().all(|(name, value)| before[name] == *value),
        "{before:?} {after:?}"
    );
    two.pull().await;
    assert_eq!(
        two.view("public.rich", &json!({ "id": "1" })).unwrap()["big"],
        "\"4503599627370497\""
    );
    let secret: Option<String> = db.one("select secret from public.rich", &[]).await;
    assert_eq!(secret.as_deref(), Some("s"), "which no device ever saw");
}

#[tokio::test]
async fn a_row_inserted_again_is_a_new_life_of_its_key() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) =
        devices_with_card(&db, 2, json!({ "a": "first life", "b": "first life" })).await;
    devices[0].delete(TABLE, key.clone());
    devices[0].insert(TABLE, key.clone(), json!({ "a": "second life" }));
    devices[0].sync().await;
    devices[1].update(TABLE, key.clone(), json!({ "b": "edit of the first life" }));
    devices[1].push().await;
    for device in &mut devices {
        device.pull().await;
        device.assert_in_step(TABLE).await;
    }
    assert_eq!(
        devices[0].view(TABLE, &key).unwrap()["a"],
        "\"second life\""
    );
}

#[tokio::test]
async fn a_row_inserted_again_forgets_the_clocks_of_its_former_life() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 1, json!({ "a": "a" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "a": "first life" }));
    devices[0].sync().await;
    devices.push(Device::new(&db, Uuid::new_v4()).await);
    devices[0].delete(TABLE, key.clone());
    devices[0].insert(TABLE, key.clone(), json!({ "a": "second life" }));
    devices[0].sync().await;
    // The column's last write that it saw was in the former life: that it saw it says nothing about this one.
    let (_, columns) = push_at(&mut devices, 1, &key, json!({ "a": "long ago" }), 1).await;
    assert_eq!(columns["a"], "theirs");
    assert_eq!(settle(&mut devices, &key, "a").await, "second life");
}

#[tokio::test]
async fn an_edit_of_a_row_that_the_device_itself_deleted_is_rejected() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 1, json!({ "a": "a" })).await;
    devices[0].delete(TABLE, key.clone());
    devices[0].update(TABLE, key.clone(), json!({ "a": "b" }));
    assert_eq!(
        devices[0].push().await.statuses(),
        ["applied", "rejected 42501"]
    );
    assert!(devices[0].view(TABLE, &key).is_none());
}

#[tokio::test]
async fn nobody_can_resurrect_a_row_that_was_never_in_their_scope() {
    let db = Db::create().await;
    fixtures::notes(&db).await;
    let (owner, attacker) = (Uuid::new_v4(), Uuid::new_v4());
    let key = json!({ "id": Uuid::new_v4() });
    let mut victim = Device::new(&db, owner).await;
    victim.insert(
        "public.note",
        key.clone(),
        json!({ "user_id": owner, "title": "secret" }),
    );
    victim.sync().await;
    victim.delete("public.note", key.clone());
    victim.sync().await;
    let mut thief = Device::new(&db, attacker).await;
    for patch in [json!({ "n": "1" }), json!({ "user_id": attacker })] {
        let base = Map::from_iter([("base".to_owned(), json!("1"))]);
        thief.record(Op::Update, "public.note", key.clone(), patch, base);
    }
    let answer = thief.push().await;
    assert_eq!(answer.statuses(), ["rejected 42501", "rejected 42501"]);
    let missing = json!({ "id": Uuid::new_v4() });
    thief.update("public.note", missing, json!({ "n": "1" }));
    let unknown = thief.push().await;
    assert_eq!(
        unknown.verdict(3).error,
        answer.verdict(1).error,
        "as if it had never been"
    );
    assert_eq!(
        db.one::<i64>("select count(*) from public.note", &[]).await,
        0
    );
}
