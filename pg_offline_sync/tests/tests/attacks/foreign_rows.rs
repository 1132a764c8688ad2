//! Has: an account, and the keys of another user's rows, living and deleted.
//! Wants: to change, delete, take over or bring back those rows, or to learn what was in them.

use offline_sync_testkit::{Op, mutation};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Scene;

/// Every way to touch a row by its key, from `seq` on.
fn touches(scene: &Scene, key: &Value, mut seq: u64) -> Vec<Value> {
    let mut all = Vec::new();
    let attacker = scene.attacker.user();
    for base in [Value::Null, json!("0"), json!("1"), json!("999999")] {
        for (op, patch) in [
            (Op::Update, json!({ "title": "taken" })),
            (Op::Update, json!({ "user_id": attacker })),
            (Op::Update, json!({})),
            (Op::Upsert, json!({ "title": "taken", "user_id": attacker })),
            (Op::Delete, json!({})),
        ] {
            let mut touch = mutation(seq, op, "public.note", key, &patch);
            touch["base"] = base.clone();
            touch["before"] = json!({ "title": "private", "n": "0" });
            all.push(touch);
            seq += 1;
        }
    }
    all
}

#[tokio::test]
async fn living_rows_of_others_cannot_be_touched_and_nothing_of_them_is_told() {
    let scene = Scene::new().await;
    let key = json!({ "id": scene.victims_note });
    let batch = json!({ "v": 1, "mutations": touches(&scene, &key, 1) }).to_string();
    let text = scene
        .attacker
        .push_text(scene.attackers_device, &batch)
        .await
        .unwrap();
    assert!(
        !text.contains("private") && !text.contains(&scene.victim.user().to_string()),
        "{text}"
    );
    assert_eq!(
        text.matches("\"applied\"").count() + text.matches("\"merged\"").count(),
        0,
        "{text}"
    );
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn deleted_rows_of_others_cannot_be_brought_back_and_nothing_of_them_is_told() {
    let scene = Scene::new().await;
    let key = json!({ "id": scene.victims_note });
    let mut delete = mutation(2, Op::Delete, "public.note", &key, &json!({}));
    delete["base"] = json!("1");
    scene
        .victim
        .push(scene.victims_device, &json!([delete]))
        .await;
    let updates: Vec<Value> = touches(&scene, &key, 1)
        .into_iter()
        .filter(|touch| touch["op"] == "update")
        .zip(1..)
        .map(|(mut touch, seq)| {
            touch["seq"] = json!(seq);
            touch
        })
        .collect();
    let batch = json!({ "v": 1, "mutations": updates }).to_string();
    let text = scene
        .attacker
        .push_text(scene.attackers_device, &batch)
        .await
        .unwrap();
    assert!(
        !text.contains("private") && !text.contains(&scene.victim.user().to_string()),
        "{text}"
    );
    assert_eq!(
        text.matches("\"applied\"").count() + text.matches("\"merged\"").count(),
        0,
        "{text}"
    );
    assert_eq!(
        scene
            .db
            .one::<i64>("select count(*) from public.note", &[])
            .await,
        0
    );
}

#[tokio::test]
async fn a_key_that_others_used_before_starts_a_life_of_ones_own() {
    let scene = Scene::new().await;
    scene
        .db
        .rows(
            "delete from public.note where id = $1",
            &[&scene.victims_note],
        )
        .await;
    let key = json!({ "id": scene.victims_note });
    let insert = mutation(
        1,
        Op::Insert,
        "public.note",
        &key,
        &json!({ "title": "mine" }),
    );
    let answer = scene
        .attacker
        .push(scene.attackers_device, &json!([insert]))
        .await;
    assert_eq!(answer.statuses(), ["applied"]);
    let page = scene
        .victim
        .pull_text(scene.victims_device, &json!({}))
        .await
        .unwrap();
    assert!(!page.contains("mine"), "{page}");
    assert_eq!(
        scene
            .attacker
            .pull(scene.attackers_device, &json!({}))
            .await
            .upserted("title"),
        ["mine"]
    );
}

#[tokio::test]
async fn a_unique_violation_tells_no_values_of_rows_that_are_hidden() {
    let scene = Scene::new().await;
    scene
        .db
        .sql("alter table public.note add unique (title)")
        .await;
    let insert = mutation(
        1,
        Op::Insert,
        "public.note",
        &json!({ "id": Uuid::new_v4() }),
        &json!({ "title": "private" }),
    );
    let answer = scene
        .attacker
        .push(scene.attackers_device, &json!([insert]))
        .await;
    assert_eq!(answer.statuses(), ["rejected 23505"]);
    let error = answer.verdict(1).error.clone().unwrap().to_string();
    assert!(
        !error.contains(&scene.victims_note.to_string())
            && !error.contains(&scene.victim.user().to_string()),
        "{error}"
    );
    scene.assert_unharmed().await;
}
