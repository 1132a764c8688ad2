//! Has: an account, and a cursor of another user (from a log). The cursor names that user's scopes.
//! Wants: to pull the rows of those scopes, or to learn from the answer which of them exist.

use offline_sync_testkit::{Op, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Scene;

#[tokio::test]
async fn a_stolen_cursor_brings_nothing_of_its_owner() {
    let scene = Scene::new().await;
    let start = scene
        .victim
        .pull(scene.victims_device, &json!({ "limit": 1 }))
        .await
        .cursor;
    let insert = mutation(
        2,
        Op::Insert,
        "public.note",
        &json!({ "id": Uuid::new_v4() }),
        &json!({ "title": "private too" }),
    );
    scene
        .victim
        .push(scene.victims_device, &json!([insert]))
        .await;
    let later = scene
        .victim
        .pull(scene.victims_device, &json!({}))
        .await
        .cursor;
    for cursor in [start, later] {
        let error = scene
            .attacker
            .pull_text(scene.attackers_device, &json!({ "cursor": cursor }))
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023", "made for another user");
        let second = scene.victim.new_device().await;
        scene
            .victim
            .pull(second, &json!({ "cursor": cursor }))
            .await;
    }
}

/// The attacker's own cursor with `change` made inside, sealed as it was, and not at all.
async fn forged(scene: &Scene, change: impl FnOnce(&mut Value)) -> [String; 2] {
    let own = scene
        .attacker
        .pull(scene.attackers_device, &json!({}))
        .await
        .cursor;
    let (token, seal) = own.split_once('.').expect("a sealed token");
    let decode = "select convert_from(decode(rpad(translate(substr($1, 2), '-_', '+/'), (length($1) + 2) / 4 * 4, '='), 'base64'), 'UTF8')";
    let mut cursor: Value =
        serde_json::from_str(&scene.db.one::<String>(decode, &[&token]).await).unwrap();
    change(&mut cursor);
    let encode = "select '1' || rtrim(translate(encode(convert_to($1, 'UTF8'), 'base64'), E'+/\\n', '-_'), '=')";
    let forged: String = scene.db.one(encode, &[&cursor.to_string()]).await;
    [format!("{forged}.{seal}"), forged]
}

#[tokio::test]
async fn a_forged_cursor_that_claims_a_scope_is_refused() {
    let scene = Scene::new().await;
    // A second table in which the attacker really has the scope value of the victim's notes: a pull has to evict the rows
    // of the first by key, which would tell the keys.
    scene
        .db
        .sql(
            "create table public.pub (id int primary key, s text);
        alter table public.pub enable row level security;
        create policy everyone on public.pub to authenticated using (true)",
        )
        .await;
    let members = format!("select '{}'", scene.victim.user());
    scene
        .db
        .enable_sync("public.pub", json!({ "scope": "s", "members": members }))
        .await;
    let query =
        "select table_id from offline_data.synced_table where relation = 'public.note'::regclass";
    let notes: i32 = scene.db.one(query, &[]).await;
    let cursors = forged(&scene, |cursor| {
        cursor["scopes"][notes.to_string()] = json!([scene.victim.user().to_string()])
    })
    .await;
    for cursor in cursors {
        let error = scene
            .attacker
            .pull_text(scene.attackers_device, &json!({ "cursor": cursor }))
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023");
        assert!(
            !format!("{error:?}").contains(&scene.victims_note.to_string()),
            "{error}"
        );
    }
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn a_cursor_that_pretends_to_be_of_another_epoch_only_starts_over() {
    let scene = Scene::new().await;
    let cursors = forged(&scene, |cursor| {
        cursor["epoch"] = json!("0".repeat(32));
        cursor["scopes"]["1"] = json!([scene.victim.user().to_string()]);
    });
    for cursor in cursors.await {
        let page = scene
            .attacker
            .pull(scene.attackers_device, &json!({ "cursor": cursor }))
            .await;
        assert!(page.reset && page.changes.is_empty() && page.revoked_scopes.is_empty());
    }
}
