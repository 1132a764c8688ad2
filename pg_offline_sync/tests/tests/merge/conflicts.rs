//! Conflicts that need a person.

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, settle};

/// Two devices with one pending conflict on column `a`, which the second has caused; its id.
async fn conflict(db: &Db) -> (Vec<Device>, Value, Uuid) {
    cards(db, json!({ "columns": { "a": "manual" } })).await;
    let (mut devices, key) = devices_with_card(db, 2, json!({ "a": "base", "b": "base" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "a": "theirs" }));
    devices[0].push().await;
    devices[1].update(TABLE, key.clone(), json!({ "a": "mine", "b": "mine" }));
    let answer = devices[1].push().await;
    let verdict = answer.verdict(1);
    assert_eq!(
        (verdict.status.as_str(), verdict.columns["a"].as_str()),
        ("conflict", "manual")
    );
    assert_eq!(
        verdict.row_json()["a"],
        "theirs",
        "the server's value is kept"
    );
    assert_eq!(
        verdict.row_json()["b"],
        "mine",
        "the other columns are written"
    );
    let id = verdict.conflict_id.expect("an id");
    (devices, key, id)
}

#[tokio::test]
async fn a_conflict_is_listed_with_base_mine_and_theirs_to_its_owner_alone() {
    let db = Db::create().await;
    let (mut devices, key, id) = conflict(&db).await;
    let list = devices[1].caller.conflicts(&json!({})).await;
    assert_eq!(list["has_more"], false);
    let listed = &list["conflicts"][0];
    assert_eq!(
        (&listed["id"], &listed["table"], &listed["key"]),
        (&json!(id), &json!(TABLE), &key)
    );
    let column = &listed["columns"]["a"];
    assert_eq!(
        (&column["base"], &column["mine"], &column["theirs"]),
        (&json!("base"), &json!("mine"), &json!("theirs"))
    );
    assert!(listed["columns"].get("b").is_none());
    assert_eq!(
        devices[0].caller.conflicts(&json!({})).await["conflicts"],
        json!([])
    );
    let request = json!({ "cursor": devices[1].cursor });
    let device = devices[1].id;
    assert_eq!(devices[1].caller.pull(device, &request).await.conflicts, 1);
    let device = devices[0].id;
    assert_eq!(
        devices[0].caller.pull(device, &json!({})).await.conflicts,
        0
    );

    let error = devices[0]
        .caller
        .resolve(id, "mine", None)
        .await
        .unwrap_err();
    assert_eq!(error.code, "PT404", "nobody else can resolve it");
    assert_eq!(settle(&mut devices, &key, "a").await, "theirs");
    let query = "select count(*) from offline_data.conflict_resolution_log";
    let seen: i64 = devices[0]
        .caller
        .client()
        .query_one(query, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(seen, 0, "not in the log either");
}

#[tokio::test]
async fn mine_theirs_and_merged_settle_it_as_an_ordinary_change() {
    let resolutions = [
        ("mine", None, "mine"),
        ("theirs", None, "theirs"),
        ("merged", Some(json!({ "a": "both" })), "both"),
    ];
    for (resolution, merged, expected) in resolutions {
        let db = Db::create().await;
        let (mut devices, key, id) = conflict(&db).await;
        let answer = devices[1]
            .caller
            .resolve(id, resolution, merged.as_ref())
            .await
            .unwrap();
        assert_eq!(
            (&answer["status"], &answer["resolution"]),
            (&json!("resolved"), &json!(resolution))
        );
        assert_eq!(answer["row"]["a"], expected);
        assert_eq!(
            settle(&mut devices, &key, "a").await,
            expected,
            "everybody pulls it"
        );
        assert_eq!(
            devices[1].caller.conflicts(&json!({})).await["conflicts"],
            json!([])
        );
        let all = devices[1]
            .caller
            .conflicts(&json!({ "status": "resolved" }))
            .await;
        assert_eq!(all["conflicts"][0]["resolution"], resolution);
        let again = devices[1]
            .caller
            .resolve(id, "mine", None)
            .await
            .unwrap_err();
        assert_eq!(again.code, "PT404", "settled once");
        assert_eq!(settle(&mut devices, &key, "a").await, expected);
    }
}

#[tokio::test]
async fn a_resolution_that_makes_no_sense_is_refused_and_the_conflict_stays() {
    let db = Db::create().await;
    let (mut devices, key, id) = conflict(&db).await;
    let bad: [(&str, Option<Value>); 10] = [
        ("mien", None),
        ("", None),
        ("merged", None),
        ("merged", Some(json!([]))),
        ("merged", Some(json!("x"))),
        ("merged", Some(json!({}))),
        ("merged", Some(json!({ "nope": 1 }))),
        ("merged", Some(json!({ "id": Uuid::new_v4() }))),
        ("mine", Some(json!({ "a": "x" }))),
        ("theirs", Some(json!({ "a": "x" }))),
    ];
    for (resolution, merged) in bad {
        let error = devices[1]
            .caller
            .resolve(id, resolution, merged.as_ref())
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023", "{resolution} {merged:?}");
    }
    assert_eq!(
        devices[1]
            .caller
            .resolve(Uuid::new_v4(), "mine", None)
            .await
            .unwrap_err()
            .code,
        "PT404"
    );
    assert_eq!(
        devices[1].caller.conflicts(&json!({})).await["conflicts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(settle(&mut devices, &key, "a").await, "theirs");
}

#[tokio::test]
async fn two_resolutions_at_once_settle_it_once() {
    let db = Db::create().await;
    let (devices, _, id) = conflict(&db).await;
    let second = db.caller(devices[1].caller.user()).await;
    let (one, two) = tokio::join!(
        devices[1].caller.resolve(id, "mine", None),
        second.resolve(id, "theirs", None)
    );
    assert_eq!(
        usize::from(one.is_ok()) + usize::from(two.is_ok()),
        1,
        "{one:?} {two:?}"
    );
}

#[tokio::test]
async fn many_conflicts_are_listed_page_by_page() {
    let db = Db::create().await;
    cards(&db, json!({ "default": "manual" })).await;
    let (mut devices, _) = devices_with_card(&db, 2, json!({})).await;
    let keys: Vec<Value> = (0..5).map(|_| json!({ "id": Uuid::new_v4() })).collect();
    for key in &keys {
        devices[0].insert(TABLE, key.clone(), json!({ "a": "0" }));
    }
    devices[0].sync().await;
    devices[1].pull().await;
    for (n, device) in devices.iter_mut().enumerate() {
        for key in &keys {
            device.update(TABLE, key.clone(), json!({ "a": n.to_string() + "!" }));
        }
        device.push().await;
    }
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = devices[1]
            .caller
            .conflicts(&json!({ "limit": 2, "after": after }))
            .await;
        let list = page["conflicts"].as_array().unwrap();
        seen.extend(
            list.iter()
                .map(|conflict| conflict["key"]["id"].as_str().unwrap().to_owned()),
        );
        let last = list.last().unwrap();
        after = json!({ "created_at": last["created_at"], "id": last["id"] });
        if page["has_more"] == false {
            break;
        }
        assert_eq!(list.len(), 2);
    }
    let mut expected: Vec<String> = keys
        .iter()
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    let other = devices[1]
        .caller
        .conflicts(&json!({ "table": "public.other" }))
        .await;
    assert_eq!(other["conflicts"], json!([]));
}

#[tokio::test]
async fn a_conflict_tells_its_owner_to_look() {
    let db = Db::create().await;
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    let listener = offline_sync_testkit::listen(&db, "offline_wake", tx).await;
    let (devices, _, _) = conflict(&db).await;
    let topic = format!("offline:user:{}", devices[1].caller.user());
    let mut found = false;
    while let Some(payload) = rx.recv().await {
        let notice: Value = serde_json::from_str(&payload).unwrap();
        if notice["topic"] == json!(topic) {
            assert_eq!(notice["event"], "conflict");
            found = true;
            break;
        }
    }
    listener.abort();
    assert!(found);
}
