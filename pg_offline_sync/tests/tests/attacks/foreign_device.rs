//! Has: an account, and the id of another user's device (from a log, a screenshot, a shared computer).
//! Wants: to push and pull as that device, or to learn whether the id exists.

use serde_json::json;
use uuid::Uuid;

use crate::Scene;

#[tokio::test]
async fn the_id_of_a_foreign_device_is_worth_nothing() {
    let scene = Scene::new().await;
    let (attacker, device, nobodys) = (&scene.attacker, scene.victims_device, Uuid::new_v4());
    let batch = "{\"v\":1,\"mutations\":[]}";
    let push = attacker.push_err(device, batch).await;
    assert_eq!(push.code, "42501");
    assert_eq!(
        push,
        attacker.push_err(nobodys, batch).await,
        "as if it did not exist"
    );
    let pull = attacker.pull_text(device, &json!({})).await.unwrap_err();
    assert_eq!(pull.code, "42501");
    assert_eq!(
        pull,
        attacker.pull_text(nobodys, &json!({})).await.unwrap_err()
    );
    for info in [
        json!({}),
        json!({ "rotate": true }),
        json!({ "name": "mine now" }),
    ] {
        assert_eq!(
            attacker.try_register(device, &info).await.unwrap_err().code,
            "42501"
        );
    }
    let secret = "select user_id, info from offline_data.device_sync_state where device_id = $1";
    let row = scene
        .db
        .owner()
        .query_one(secret, &[&device])
        .await
        .unwrap();
    assert_eq!(row.get::<_, String>(0), scene.victim.user().to_string());
    assert_eq!(row.get::<_, serde_json::Value>(1), json!({}));
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn a_revoked_or_wiped_device_is_told_so_and_stopped_at_once() {
    let scene = Scene::new().await;
    for status in ["revoked", "wiped"] {
        let query = "update offline_data.device_sync_state set status = $1 where device_id = $2";
        scene
            .db
            .rows(query, &[&status, &scene.victims_device])
            .await;
        let error = scene
            .victim
            .push_err(scene.victims_device, "{\"v\":1,\"mutations\":[]}")
            .await;
        assert_eq!(
            (error.code.as_str(), error.detail.as_str()),
            ("42501", status)
        );
        let error = scene
            .victim
            .pull_text(scene.victims_device, &json!({}))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.detail.as_str()),
            ("42501", status)
        );
        let error = scene
            .victim
            .try_register(scene.victims_device, &json!({}))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.detail.as_str()),
            ("42501", status)
        );
        let error = scene
            .attacker
            .pull_text(scene.victims_device, &json!({}))
            .await
            .unwrap_err();
        assert_eq!(error.detail, "", "nobody else learns of it");
    }
}

#[tokio::test]
async fn one_user_on_two_devices_cannot_mix_up_their_seqs() {
    let scene = Scene::new().await;
    let second = scene.victim.new_device().await;
    let batch = "{\"v\":1,\"mutations\":[{\"seq\":2,\"op\":\"delete\",\"table\":\"public.note\",\"key\":{\"id\":\"x\"}}]}";
    let error = scene.victim.push_err(second, batch).await;
    assert_eq!((error.code.as_str(), error.detail.as_str()), ("PT409", "1"));
}
