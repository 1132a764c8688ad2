//! Has: an account, and what the API answers.
//! Wants: the secret of a device after its registration, also of their own.

use serde_json::json;
use uuid::Uuid;

use crate::{Scene, refused};

#[tokio::test]
async fn a_secret_is_told_once_and_never_again() {
    let scene = Scene::new().await;
    let device = Uuid::new_v4();
    let first = scene
        .attacker
        .try_register(device, &json!({}))
        .await
        .unwrap();
    let secret = first["secret"]
        .as_str()
        .expect("told at registration")
        .to_owned();
    assert_eq!(secret.len(), 43, "32 bytes as base64url");
    let again = scene
        .attacker
        .try_register(device, &json!({ "name": "x" }))
        .await
        .unwrap();
    assert_eq!(again["secret"], json!(null));
    assert_eq!(again["acked_seq"], "0");
    let rotated = scene
        .attacker
        .try_register(device, &json!({ "rotate": true }))
        .await
        .unwrap();
    assert_ne!(rotated["secret"], json!(secret));
    assert!(rotated["secret"].is_string());
    assert_eq!(
        refused(
            &scene.attacker,
            "select secret from offline_data.device_sync_state"
        )
        .await,
        "42501"
    );
    let info: serde_json::Value = scene
        .db
        .one(
            "select info from offline_data.device_sync_state where device_id = $1",
            &[&device],
        )
        .await;
    assert_eq!(
        info,
        json!({ "name": "x" }),
        "the wish to rotate is not kept"
    );
}

#[tokio::test]
async fn two_registrations_of_one_id_at_once_make_one_device() {
    let scene = Scene::new().await;
    let device = Uuid::new_v4();
    let (info, second) = (json!({}), scene.db.caller(scene.attacker.user()).await);
    let (one, two) = tokio::join!(
        scene.attacker.try_register(device, &info),
        second.try_register(device, &info)
    );
    let told = [one.unwrap(), two.unwrap()]
        .iter()
        .filter(|answer| answer["secret"].is_string())
        .count();
    assert_eq!(told, 1, "one of them gets the secret");
    let (one, two) = tokio::join!(
        scene.attacker.try_register(scene.victims_note, &info),
        scene.victim.try_register(scene.victims_note, &info)
    );
    assert_eq!(
        usize::from(one.is_ok()) + usize::from(two.is_ok()),
        1,
        "one owner"
    );
}
