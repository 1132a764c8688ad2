//! Values that devices spell otherwise than Postgres, or that their columns cannot hold, where they are contested.

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{TABLE, log_lines};

/// A card with columns of types that have more than one spelling, or hold not everything that looks right.
async fn spelled_cards(db: &Db, policy: Value) -> (Vec<Device>, Value) {
    db.sql(
        "create type public.level as enum ('low', 'high');
        create table public.card (id uuid primary key, price numeric(10, 2), at timestamptz, n int, level public.level, day date, label char(8),
            times timestamptz[], doc jsonb);
        alter table public.card enable row level security;
        create policy everyone on public.card to authenticated using (true) with check (true)",
    )
    .await;
    db.enable_sync(TABLE, json!({ "scope": "'public'", "policy": policy }))
        .await;
    let key = json!({ "id": Uuid::new_v4() });
    let mut first = Device::new(db, Uuid::new_v4()).await;
    first.insert(TABLE, key.clone(), json!({ "n": 1, "level": "low" }));
    first.sync().await;
    (vec![first, Device::new(db, Uuid::new_v4()).await], key)
}

#[tokio::test]
async fn the_same_value_in_a_spelling_of_its_own_is_no_conflict() {
    let db = Db::create().await;
    let (mut devices, key) = spelled_cards(&db, json!({ "default": "manual" })).await;
    let patch = json!({ "price": "1.5", "at": "2024-02-01T00:00:00.000Z", "n": 2.0, "day": "20240201", "label": "a",
        "times": ["2024-02-01T01:00:00+01:00"], "doc": { "b": 1.0, "a": [1e1] } });
    for device in &mut devices {
        device.update(TABLE, key.clone(), patch.clone());
        let answer = device.push().await;
        assert_ne!(answer.statuses(), ["conflict"]);
    }
    assert_eq!(log_lines(&db).await, Vec::<String>::new());
    for device in &mut devices {
        device.pull().await;
        device.assert_in_step(TABLE).await;
    }
}

#[tokio::test]
async fn the_log_has_values_as_their_columns_spell_them() {
    let db = Db::create().await;
    let (mut devices, key) = spelled_cards(&db, json!({ "default": "manual" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "price": "1.5" }));
    devices[0].push().await;
    devices[1].update(TABLE, key.clone(), json!({ "price": 2.5 }));
    assert_eq!(devices[1].push().await.statuses(), ["conflict"]);
    assert_eq!(
        log_lines(&db).await,
        [r#"price manual manual pending null "2.50" "1.50""#]
    );
}

#[tokio::test]
async fn elements_that_only_their_spelling_tells_apart_are_the_same() {
    let db = Db::create().await;
    let (mut devices, key) = spelled_cards(&db, json!({ "columns": { "times": "set" } })).await;
    let [one, two, three] = [1, 2, 3].map(|day| format!("2024-01-0{day}T00:00:00"));
    let [z, utc] = [".000Z", "+00:00"].map(|end| move |time: &String| format!("{time}{end}"));
    devices[0].update(
        TABLE,
        key.clone(),
        json!({ "times": [utc(&one), utc(&two)] }),
    );
    devices[0].sync().await;
    devices[1].pull().await;
    devices[0].update(
        TABLE,
        key.clone(),
        json!({ "times": [utc(&one), utc(&two), utc(&three)] }),
    );
    devices[0].push().await;
    devices[1].update(TABLE, key.clone(), json!({ "times": [z(&one)] }));
    assert_eq!(devices[1].push().await.statuses(), ["merged"]);
    devices[1].pull().await;
    let times = devices[1].view(TABLE, &key).unwrap()["times"].clone();
    assert_eq!(times, json!([utc(&one), utc(&three)]).to_string());
}

#[tokio::test]
async fn a_losing_value_that_its_column_cannot_hold_is_rejected() {
    let cases = [
        (json!({ "n": "not a number" }), "22P02"),
        (json!({ "n": 99_999_999_999_i64 }), "22003"),
        (json!({ "level": "middle" }), "22P02"),
        (json!({ "day": "2024-99-99" }), "22008"),
        (json!({ "label": "much too long" }), "22001"),
        (json!({ "price": "123456789.5" }), "22003"),
    ];
    for policy in ["manual", "server_wins", "last_write_wins"] {
        let db = Db::create().await;
        let (mut devices, key) = spelled_cards(&db, json!({ "default": policy })).await;
        let theirs = json!({ "n": 5, "level": "high", "day": "2024-01-01", "label": "x", "price": "5", "doc": {} });
        devices[1].pull().await;
        devices[0].update(TABLE, key.clone(), theirs);
        devices[0].push().await;
        for (patch, code) in &cases {
            let clock = serde_json::Map::from_iter([("hlc".to_owned(), json!("1"))]);
            let op = offline_sync_testkit::Op::Update;
            let seq = devices[1].record(op, TABLE, key.clone(), patch.clone(), clock);
            let answer = devices[1].push().await;
            let verdict = answer.verdict(seq);
            assert_eq!(
                verdict.summary(),
                format!("rejected {code}"),
                "{policy} {patch}"
            );
        }
        // No number that serde_json would write.
        let other = devices[1].caller.new_device().await;
        let base = &devices[1].row(TABLE, &key).unwrap().version;
        let batch = format!(
            r#"{{"v":1,"mutations":[{{"seq":"1","op":"update","table":"public.card","key":{key},"base":"{base}",
            "hlc":"1","patch":{{"doc":{{"a":1e999999}}}}}}]}}"#
        );
        let answer = devices[1].caller.push_text(other, &batch).await.unwrap();
        assert!(answer.contains("22003"), "{policy} {answer}");
    }
}

#[tokio::test]
async fn max_knows_the_order_of_times_and_leaves_other_types_to_the_clock() {
    let db = Db::create().await;
    let (mut devices, key) = spelled_cards(&db, json!({ "default": "max" })).await;
    let theirs = [
        json!({ "at": "2024-01-01T12:00:00.500Z", "day": "10000-01-01", "level": "high" }),
        json!({ "at": "2024-01-01T12:00:00Z", "day": "9999-12-31", "level": "low" }),
    ];
    for (device, patch) in devices.iter_mut().zip(theirs) {
        device.update(TABLE, key.clone(), patch);
        device.push().await;
    }
    devices[1].pull().await;
    let row = devices[1].view(TABLE, &key).unwrap();
    assert_eq!(
        [&row["at"], &row["day"], &row["level"]],
        [
            "\"2024-01-01T12:00:00.5+00:00\"",
            "\"10000-01-01\"",
            "\"low\""
        ]
    );
}
