//! Clocks of devices are wrong.

use offline_sync_testkit::{Db, Device, Op};
use serde_json::{Map, Value, json};

use crate::{TABLE, cards, devices_with_card, hlc, now_ms, settle};

const YEAR_2099: u64 = 4_070_908_800_000;

fn at(clock: Value) -> Map<String, Value> {
    Map::from_iter([("hlc".to_owned(), clock)])
}

/// Records an edit of the card's column `a` at this millisecond of the device's clock.
fn edit_at(device: &mut Device, key: &Value, value: &str, ms: u64) {
    device.record(
        Op::Update,
        TABLE,
        key.clone(),
        json!({ "a": value }),
        at(hlc(ms)),
    );
}

async fn skewed(db: &Db, device: uuid::Uuid) -> bool {
    db.one(
        "select skewed from offline_data.device_sync_state where device_id = $1",
        &[&device],
    )
    .await
}

#[tokio::test]
async fn a_device_at_2099_is_clamped_marked_and_does_not_win_for_ever() {
    let db = Db::create().await;
    // A bound that a test can wait for.
    let superuser = db.connect("postgres").await;
    let bound = format!(
        "alter database {} set offline_sync.clock_bound_ms = 200",
        db.name()
    );
    superuser.batch_execute(&bound).await.unwrap();
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
    edit_at(&mut devices[1], &key, "from 2099", YEAR_2099);
    let before = now_ms(&db).await;
    assert_eq!(devices[1].push().await.statuses(), ["applied"]);
    assert!(skewed(&db, devices[1].id).await);
    assert!(!skewed(&db, devices[0].id).await);
    let stored = "select hlc >> 16, claimed_hlc >> 16 from offline_data.row_history where op = 'u'";
    let row = &db.rows(stored, &[]).await[0];
    let (effective, claimed): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(claimed as u64, YEAR_2099, "what it claimed is kept");
    assert!(
        (effective as u64) < before + 10_000,
        "{effective} is about now"
    );

    offline_sync_testkit::eventually("the bound has passed", || async {
        now_ms(&db).await > effective as u64
    })
    .await;
    let now = now_ms(&db).await;
    edit_at(&mut devices[0], &key, "later", now);
    assert_eq!(devices[0].push().await.statuses(), ["merged"]);
    assert_eq!(settle(&mut devices, &key, "a").await, "later");
}

#[tokio::test]
async fn a_device_at_1970_loses_to_what_it_has_not_seen_and_wins_over_what_it_has() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "a": "now" }));
    devices[0].push().await;
    edit_at(&mut devices[1], &key, "from 1970, unseen", 1_000);
    assert_eq!(devices[1].push().await.status(1), "merged");
    assert_eq!(settle(&mut devices, &key, "a").await, "now");

    edit_at(&mut devices[1], &key, "from 1970, seen", 2_000);
    assert_eq!(devices[1].push().await.status(2), "applied");
    assert_eq!(settle(&mut devices, &key, "a").await, "from 1970, seen");
    assert!(
        !skewed(&db, devices[1].id).await,
        "only a clock that runs ahead can do harm"
    );
}

#[tokio::test]
async fn a_write_by_others_wins_over_a_device_clock_that_ran_ahead() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
    let ahead = now_ms(&db).await + 50_000;
    edit_at(&mut devices[0], &key, "ahead", ahead);
    devices[0].push().await;
    db.sql("update public.card set a = 'by the owner'").await;
    // The second device's edit is older than the owner's, though later than the server's wall clock.
    edit_at(&mut devices[1], &key, "between", ahead);
    devices[1].push().await;
    assert_eq!(settle(&mut devices, &key, "a").await, "by the owner");
}

#[tokio::test]
async fn a_write_by_others_wins_a_leaf_over_a_device_clock_that_ran_ahead() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "doc": "json" } })).await;
    let row = json!({ "doc": { "x": "base", "y": "base" } });
    let (mut devices, key) = devices_with_card(&db, 2, row).await;
    let ahead = now_ms(&db).await + 50_000;
    let leaf = |x: &str| json!({ "doc": { "x": x, "y": "base" } });
    devices[0].record(
        Op::Update,
        TABLE,
        key.clone(),
        leaf("ahead"),
        at(hlc(ahead)),
    );
    devices[0].push().await;
    db.sql(r#"update public.card set doc = '{"x": "by the owner", "y": "base"}'"#)
        .await;
    // Earlier than the owner's write, later than the server's wall clock at that time.
    devices[1].record(
        Op::Update,
        TABLE,
        key.clone(),
        leaf("between"),
        at(hlc(ahead)),
    );
    devices[1].push().await;
    assert_eq!(settle(&mut devices, &key, "doc").await["x"], "by the owner");
    let clocks: Vec<i64> = db
        .column(
            "select hlc from offline_data.row_history where op = 'u' order by version limit 2",
            &[],
        )
        .await;
    assert!(
        clocks[0] < clocks[1],
        "{clocks:?}: the history has the raised clock"
    );
}

#[tokio::test]
async fn equal_values_move_the_clock() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 3, json!({ "a": "base" })).await;
    let now = now_ms(&db).await;
    // The first and the third write the same; the second writes something else in between.
    for (n, (value, delay)) in [("same", 10), ("other", 20), ("same", 30)]
        .into_iter()
        .enumerate()
    {
        edit_at(&mut devices[n], &key, value, now + delay);
    }
    for n in [0, 2, 1] {
        devices[n].push().await;
    }
    assert_eq!(
        settle(&mut devices, &key, "a").await,
        "same",
        "the later of the two equal writes counts"
    );
}

/// Found by simulation: an equal write moved the clock of a version that others had seen, so whoever came after it won whatever its clock.
#[tokio::test]
async fn who_saw_only_the_first_of_two_equal_writes_is_judged_by_the_clock_in_either_order() {
    for order in [[2, 1], [1, 2]] {
        let db = Db::create().await;
        cards(&db, json!({})).await;
        let (mut devices, key) = devices_with_card(&db, 3, json!({ "a": "base" })).await;
        let now = now_ms(&db).await;
        edit_at(&mut devices[0], &key, "same", now + 10);
        edit_at(&mut devices[2], &key, "same", now + 30);
        devices[0].push().await;
        devices[1].pull().await;
        edit_at(&mut devices[1], &key, "other", now + 20);
        for n in order {
            devices[n].push().await;
        }
        assert_eq!(settle(&mut devices, &key, "a").await, "same", "{order:?}");
    }
}

#[tokio::test]
async fn an_equal_write_is_a_change_that_devices_are_told_of() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 3, json!({ "a": "base" })).await;
    for n in [0, 1] {
        devices[n].update(TABLE, key.clone(), json!({ "a": "same", "b": n }));
    }
    devices[0].push().await;
    devices[2].pull().await;
    let answer = devices[1].push().await;
    assert_eq!(answer.statuses(), ["merged"]);
    let version: i64 = db
        .one("select version from offline_data.row_state", &[])
        .await;
    assert_eq!(answer.results[0].version, Some(version.to_string()));
    assert_eq!(devices[2].pull().await.upserts, 1);
    assert_eq!(settle(&mut devices, &key, "a").await, "same");
}

#[tokio::test]
async fn an_answer_tells_a_clock_that_is_later_than_what_it_shows() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 3, json!({ "a": "base" })).await;
    let ahead = now_ms(&db).await + 50_000;
    edit_at(&mut devices[0], &key, "ahead", ahead);
    let told = |clock: &str| clock.parse::<u64>().unwrap() >> 16;
    let own = devices[0].push().await;
    assert!(told(&own.server_hlc) < ahead, "it knows its own clock");
    let other = &devices[1];
    let all = other.caller.pull(other.id, &json!({})).await;
    assert!(told(&all.server_hlc) >= ahead);
    let since = json!({ "cursor": all.cursor });
    let nothing = other.caller.pull(other.id, &since).await;
    assert!(told(&nothing.server_hlc) < ahead, "nothing new");
    devices[2].update(TABLE, key.clone(), json!({ "a": "late" }));
    let merged = devices[2].push().await;
    assert_eq!(merged.statuses(), ["merged"]);
    assert!(told(&merged.server_hlc) >= ahead);
}

#[tokio::test]
async fn a_batch_sent_by_a_wrong_clock_is_known_by_its_offset() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (devices, _) = devices_with_card(&db, 1, json!({})).await;
    let batch =
        json!({ "v": 1, "sent_at": "2020-01-01T00:00:00.000Z", "mutations": [] }).to_string();
    devices[0]
        .caller
        .push_text(devices[0].id, &batch)
        .await
        .unwrap();
    let offset: i64 = db
        .one(
            "select clock_offset_ms from offline_data.device_sync_state",
            &[],
        )
        .await;
    assert!(offset < -180 * 86_400_000, "{offset} ms behind");
}

#[tokio::test]
async fn an_edit_of_a_value_from_2099_wins_over_it_at_once() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "doc": "json" } })).await;
    let (mut devices, _) = devices_with_card(&db, 2, json!({})).await;
    let key = json!({ "id": uuid::Uuid::new_v4() });
    let row = json!({ "a": "inserted in 2099", "doc": { "x": "2099" } });
    devices[0].record(Op::Insert, TABLE, key.clone(), row, at(hlc(YEAR_2099)));
    devices[0].push().await;
    assert!(skewed(&db, devices[0].id).await);
    devices[1].pull().await;
    let now = now_ms(&db).await;
    let seen = json!({ "a": "seen", "doc": { "x": "seen" } });
    devices[1].record(Op::Update, TABLE, key.clone(), seen.clone(), at(hlc(now)));
    assert_eq!(devices[1].push().await.statuses(), ["applied"]);

    devices[0].pull().await;
    let patch = json!({ "a": "again from 2099", "doc": { "x": "2099 again" } });
    devices[0].record(
        Op::Update,
        TABLE,
        key.clone(),
        patch,
        at(hlc(YEAR_2099 + 1)),
    );
    assert_eq!(devices[0].push().await.statuses(), ["applied"]);
    devices[1].pull().await;
    devices[1].record(Op::Update, TABLE, key.clone(), seen, at(hlc(now + 1)));
    assert_eq!(devices[1].push().await.statuses(), ["applied"]);
    assert_eq!(settle(&mut devices, &key, "a").await, "seen");
    assert_eq!(
        settle(&mut devices, &key, "doc").await,
        json!({ "x": "seen" })
    );
    let claimed: i64 = db
        .one(
            "select count(*) from offline_data.row_history where claimed_hlc >> 16 >= $1",
            &[&(YEAR_2099 as i64)],
        )
        .await;
    assert_eq!(claimed, 2, "what it claimed is kept");
}

#[tokio::test]
async fn what_a_device_at_1970_edited_after_seeing_a_value_beats_that_value_in_either_order_of_arrival()
 {
    for late in [false, true] {
        let db = Db::create().await;
        cards(&db, json!({})).await;
        let (mut devices, key) = devices_with_card(&db, 3, json!({ "a": "base" })).await;
        let now = now_ms(&db).await;
        edit_at(&mut devices[0], &key, "seen", now + 1_000);
        devices[0].push().await;
        devices[1].pull().await;
        edit_at(&mut devices[1], &key, "from 1970", 1_000);
        // Has not seen either of the two; older than what the device at 1970 saw.
        edit_at(&mut devices[2], &key, "older", now + 500);
        let order = if late { [2, 1] } else { [1, 2] };
        for n in order {
            devices[n].push().await;
        }
        assert_eq!(
            settle(&mut devices, &key, "a").await,
            "from 1970",
            "late: {late}"
        );
        assert!(!skewed(&db, devices[1].id).await);
    }
}

#[tokio::test]
async fn a_clock_that_was_put_right_is_marked_no_more() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    let (mut devices, key) = devices_with_card(&db, 1, json!({ "a": "base" })).await;
    for (clock, marked) in [(YEAR_2099, true), (now_ms(&db).await, false)] {
        let patch = json!({ "a": clock.to_string() });
        devices[0].record(Op::Update, TABLE, key.clone(), patch, at(hlc(clock)));
        devices[0].push().await;
        assert_eq!(skewed(&db, devices[0].id).await, marked, "{clock}");
    }
}
