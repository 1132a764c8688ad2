//! Counters: the sum of all increments, whatever happened on the way.

use offline_sync_testkit::{Db, Device, Op};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, settle};

#[tokio::test]
async fn increments_of_three_devices_add_up_in_any_order_and_repetition() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let db = Db::create().await;
        cards(&db, json!({ "columns": { "n": "counter" } })).await;
        let (mut devices, key) = devices_with_card(&db, 3, json!({ "n": "0" })).await;
        for (n, device) in devices.iter_mut().enumerate() {
            for step in 1..=5 {
                device.update(
                    TABLE,
                    key.clone(),
                    json!({ "n": (step * (n as i64 + 1)).to_string() }),
                );
            }
        }
        for n in order {
            devices[n].push_losing_the_answer().await;
            devices[n].push().await;
        }
        assert_eq!(settle(&mut devices, &key, "n").await, "30", "{order:?}");
    }
}

#[tokio::test]
async fn a_counter_without_before_takes_its_base_from_the_history() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "n": "counter" } })).await;
    let (mut devices, key) = devices_with_card(&db, 1, json!({ "n": "4" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "n": "10" }));
    devices[0].push().await;
    // Its base is a change itself, whose own old value is not what the device saw.
    devices.push(Device::new(&db, Uuid::new_v4()).await);
    for step in ["11", "12", "13"] {
        devices[0].update(TABLE, key.clone(), json!({ "n": step }));
        devices[0].push().await;
    }
    let unsaid = Map::from_iter([("before".to_owned(), Value::Null)]);
    devices[1].record(Op::Update, TABLE, key.clone(), json!({ "n": "15" }), unsaid);
    assert_eq!(devices[1].push().await.statuses(), ["merged"]);
    assert_eq!(settle(&mut devices, &key, "n").await, "18");
}

#[tokio::test]
async fn an_increment_on_a_stale_view_counts_as_an_increment_whatever_its_base() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "n": "counter" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "n": "10" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "n": "14" }));
    devices[0].push().await;
    // The answer to this push is lost; the pull brings 15, and the outbox still shows 11 on top of it.
    devices[1].update(TABLE, key.clone(), json!({ "n": "11" }));
    devices[1].push_losing_the_answer().await;
    devices[1].pull().await;
    assert_eq!(devices[1].view(TABLE, &key).unwrap()["n"], "\"11\"");
    devices[1].update(TABLE, key.clone(), json!({ "n": "12" }));
    assert_eq!(
        devices[1].push().await.statuses(),
        ["duplicate of merged", "merged"]
    );
    assert_eq!(settle(&mut devices, &key, "n").await, "16");
}
