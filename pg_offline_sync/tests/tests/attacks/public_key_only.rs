//! Has: the public key that every web page carries (role anon), no account.
//! Wants: anything at all.

use serde_json::json;

use crate::{Scene, refused};

#[tokio::test]
async fn anon_can_call_nothing() {
    let scene = Scene::new().await;
    let anon = scene.db.anon().await;
    let device = scene.victims_device;
    let calls = [
        format!("select offline.register_device('{device}')"),
        format!("select offline.push('{device}', '{{\"v\":1,\"mutations\":[]}}')"),
        format!("select offline.pull('{device}')"),
        format!("select offline.sync('{device}', '{{\"v\":1,\"mutations\":[]}}', null, '{{}}')"),
        "select offline.conflicts()".to_owned(),
        "select offline.resolve_conflict(gen_random_uuid(), 'mine')".to_owned(),
        "select offline.epoch()".to_owned(),
        "select * from offline.bootstrap()".to_owned(),
        "select * from offline.doctor()".to_owned(),
        "select offline.enable_sync('public.note')".to_owned(),
        "select offline.disable_sync('public.note')".to_owned(),
        "select offline_private.uid()".to_owned(),
        "select * from offline_data.row_state".to_owned(),
        "select * from offline_data.conflict_resolution_log".to_owned(),
    ];
    for call in calls {
        assert_eq!(refused(&anon, &call).await, "42501", "{call}");
    }
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn an_app_that_grants_push_to_anon_still_needs_a_user() {
    let scene = Scene::new().await;
    scene.db.sql("grant usage on schema offline, offline_private to anon;
        grant execute on all functions in schema offline_private to anon;
        grant execute on function offline.push(uuid, text, text), offline.pull(uuid, jsonb), offline.register_device(uuid, jsonb) to anon").await;
    let anon = scene.db.anon().await;
    assert_eq!(
        anon.try_register(uuid::Uuid::new_v4(), &json!({}))
            .await
            .unwrap_err()
            .code,
        "42501"
    );
    assert_eq!(
        anon.push_err(scene.victims_device, "{\"v\":1,\"mutations\":[]}")
            .await
            .code,
        "42501"
    );
    assert_eq!(
        anon.pull_text(scene.victims_device, &json!({}))
            .await
            .unwrap_err()
            .code,
        "42501"
    );
    scene.assert_unharmed().await;
}
