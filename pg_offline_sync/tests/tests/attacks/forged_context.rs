//! Has: an account and a way to run SQL as `authenticated` in a transaction of their own.
//! Wants: to pass for another device, or to give a write any clock, by setting what push() sets for capture
//! (offline_sync.push_*).
//!
//! What it can do: sign a write of a row that they may write anyway with another device's id and a clock of their choice.
//! What it cannot do: write or read anything that row level security does not let them.

use serde_json::json;
use uuid::Uuid;

use crate::{Scene, refused};

#[tokio::test]
async fn forged_settings_reach_no_row_that_is_not_the_attackers() {
    let scene = Scene::new().await;
    let own = Uuid::new_v4();
    let forge = format!(
        "begin;
        select set_config('offline_sync.push_table', '1', true), set_config('offline_sync.push_device', '{device}', true),
            set_config('offline_sync.push_keys', '{{{own},{note}}}', true), set_config('offline_sync.push_seqs', '{{1,2}}', true),
            set_config('offline_sync.push_hlcs', '{{9223372036854775807,9223372036854775807}}', true),
            set_config('offline_sync.push_claims', '{{1,1}}', true), set_config('offline_sync.push_columns', '{{title}}', true);
        insert into public.note (id, title) values ('{own}', 'forged');
        update public.note set title = 'taken';
        commit",
        device = scene.victims_device,
        note = scene.victims_note
    );
    scene.attacker.try_sql(&forge).await.ok();
    scene.attacker.try_sql("rollback").await.ok();
    scene.assert_unharmed().await;
    let users: Vec<String> = scene
        .db
        .column(
            "select distinct user_id from offline_data.row_history where device_seq is not null",
            &[],
        )
        .await;
    assert!(
        users
            .iter()
            .all(|user| *user == scene.victim.user().to_string()
                || *user == scene.attacker.user().to_string())
    );
}

#[tokio::test]
async fn settings_left_behind_do_not_change_what_a_push_writes() {
    let scene = Scene::new().await;
    scene.attacker.sql(&format!(
        "select set_config('offline_sync.push_table', '1', false), set_config('offline_sync.push_device', '{}', false),
            set_config('offline_sync.push_keys', '{{}}', false), set_config('offline_sync.push_seqs', '{{}}', false),
            set_config('offline_sync.push_hlcs', '{{}}', false), set_config('offline_sync.push_claims', '{{}}', false),
            set_config('offline_sync.push_columns', '{{}}', false), set_config('offline_sync.woken', '{{}}', false)",
        scene.victims_device
    )).await;
    let key = json!({ "id": Uuid::new_v4() });
    let insert = offline_sync_testkit::mutation(
        1,
        offline_sync_testkit::Op::Insert,
        "public.note",
        &key,
        &json!({ "title": "t" }),
    );
    assert_eq!(
        scene
            .attacker
            .push(scene.attackers_device, &json!([insert]))
            .await
            .statuses(),
        ["applied"]
    );
    let query = "select device_id from offline_data.row_state where row_key = $1";
    let device: Uuid = scene.db.one(query, &[&key["id"].as_str().unwrap()]).await;
    assert_eq!(device, scene.attackers_device);
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn nonsense_in_the_settings_fails_only_the_attackers_own_statement() {
    let scene = Scene::new().await;
    let forge = "begin; select set_config('offline_sync.push_table', '1', true), set_config('offline_sync.push_device', 'x''; drop', true),
        set_config('offline_sync.push_keys', '{', true); insert into public.note (title) values ('x'); commit";
    let code = refused(&scene.attacker, forge).await;
    assert!(code.starts_with("22"), "{code}");
    scene.attacker.try_sql("rollback").await.ok();
    scene.assert_unharmed().await;
}
