//! Every type of column travels both ways unchanged.

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{exchange, share, two_devices};

const SAMPLES: &str = "
    create type public.mood as enum ('sad', 'it''s \"ok\"', 'happy');
    create type public.address as (street text, number int);
    create domain public.positive as numeric(10, 2) check (value > 0);
    create domain public.small_positive as public.positive check (value < 100);
    create domain public.big as int8;
    create table public.sample (
        id uuid primary key,
        flag bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, scaled numeric(12, 3), free numeric,
        body text, short varchar(50), fixed char(5), day date, at_time time, at timestamp, at_zone timestamptz, span interval,
        other uuid, plain json, doc jsonb, raw bytea, ints int[], texts text[], bigs int8[], numbers numeric[], grid int[][],
        feeling public.mood, feelings public.mood[], price public.positive, tip public.small_positive, huge public.big,
        home public.address, host inet, bits bit varying(9), during int4range, sum int generated always as (i4 + 1) stored);";

fn samples() -> Vec<Value> {
    vec![
        json!({ "flag": true, "i2": -32768, "i4": 2147483646, "i8": "9223372036854775807", "f4": 0.1, "f8": 1e300,
            "scaled": "12.5", "free": "123456789012345678901234567890.000000001", "body": "plain", "short": "v", "fixed": "ab",
            "day": "2026-02-28", "at_time": "23:59:59.123456", "at": "2026-01-01T00:00:00", "at_zone": "2026-03-29T01:30:00+00:00",
            "span": "1 day 02:03:04", "other": Uuid::nil(), "plain": { "b": 1, "a": [1, 2] }, "doc": { "b": 1, "a": [1.50, null] },
            "raw": "AAEC/w==", "ints": [1, null, 3], "texts": ["a", "b\"c", null, "{d}"], "bigs": ["9007199254740993", null],
            "numbers": ["1.10", "2"], "grid": [[1, 2], [3, 4]], "feeling": "it's \"ok\"", "feelings": ["sad", "happy"],
            "price": "9.9", "tip": "99.99", "huge": "-9007199254740993", "home": { "street": "Über \"st\"", "number": 7 },
            "host": "10.0.0.1/8", "bits": "0101", "during": "[1,5)" }),
        json!({ "body": "quotes ' \" '' $$ \\ \\n \\u0041 % %s {k} \n\r\t\u{8}\u{c}\u{1} 😀 é e\u{301} \u{200d} \u{ffff} -- ; /*",
            "short": "😀".repeat(50), "doc": "a string", "plain": 7, "raw": "", "ints": [], "texts": ["\\", "\n", ""] }),
        json!({ "f8": "NaN", "f4": "-Infinity", "free": "NaN", "scaled": "-0.001", "i8": "-9223372036854775808",
            "doc": null, "plain": "x", "day": "infinity", "at_zone": "-infinity", "raw": "YQ==", "body": "" }),
        json!({ "at_zone": "2026-06-01T12:00:00.5-07:00", "at": "0044-03-15T00:00:00 BC", "day": "9999-12-31", "i8": 5, "free": 1.50,
            "doc": { "deep": [[[[{ "a": { "b": "c" } }]]]], "é": "\\" }, "during": "empty", "plain": [] }),
        json!({}),
    ]
}

#[tokio::test]
async fn every_type_travels_both_ways_letter_by_letter() {
    let db = Db::create().await;
    db.sql(SAMPLES).await;
    share(&db, "public.sample").await;
    let (mut writer, mut reader) = two_devices(&db).await;
    let keys: Vec<Value> = samples()
        .iter()
        .map(|_| json!({ "id": Uuid::new_v4() }))
        .collect();
    for (key, sample) in keys.iter().zip(samples()) {
        writer.insert("public.sample", key.clone(), sample);
    }
    exchange(&mut writer, &mut reader, "public.sample").await;
    assert_eq!(reader.rows("public.sample").len(), samples().len());

    // Each row takes the values of the next one.
    for (key, sample) in keys.iter().zip(samples().into_iter().skip(1)) {
        reader.update("public.sample", key.clone(), sample);
    }
    exchange(&mut reader, &mut writer, "public.sample").await;
}

#[tokio::test]
async fn what_was_pulled_can_be_pushed_back_unchanged_without_leaving_a_trace() {
    let db = Db::create().await;
    db.sql(SAMPLES).await;
    share(&db, "public.sample").await;
    let (mut writer, mut reader) = two_devices(&db).await;
    for sample in samples() {
        writer.insert("public.sample", json!({ "id": Uuid::new_v4() }), sample);
    }
    exchange(&mut writer, &mut reader, "public.sample").await;
    for columns in reader.rows("public.sample").into_values() {
        let value = |name: &String| serde_json::from_str::<Value>(&columns[name]).unwrap();
        let patch = columns
            .keys()
            .filter(|name| *name != "id" && *name != "sum");
        let patch = patch.map(|name| (name.clone(), value(name))).collect();
        reader.update(
            "public.sample",
            json!({ "id": value(&"id".to_owned()) }),
            Value::Object(patch),
        );
    }
    assert_eq!(reader.push().await.count("applied"), samples().len());
    assert_eq!(writer.pull().await.upserts, 0, "nothing changed");
    assert_eq!(
        db.one::<i64>(
            "select count(*) from offline_data.row_history where op = 'u'",
            &[]
        )
        .await,
        0
    );
}

#[tokio::test]
async fn answers_are_in_utc_and_the_same_whatever_the_time_zone_of_the_session() {
    let db = Db::create().await;
    db.sql("create table public.event (id timestamptz primary key, at timestamptz, many timestamptz[], during tstzrange,
        wall timestamp, day date)").await;
    share(&db, "public.event").await;
    let (mut writer, mut reader) = two_devices(&db).await;
    let zone = "set timezone = 'America/St_Johns'";
    writer.caller.sql(zone).await;
    writer.insert("public.event", json!({ "id": "2026-01-01T00:00:00.000001Z" }), json!({ "at": "2026-07-01T12:00:00+02:00",
        "many": ["2026-07-01T12:00:00+02:00"], "during": "[2026-07-01T12:00:00Z,2026-07-02T12:00:00Z)",
        "wall": "2026-07-01T12:00:00", "day": "2026-07-01" }));
    assert_eq!(writer.push().await.statuses(), ["applied"]);
    writer.caller.sql(zone).await;
    writer.pull().await;
    reader.pull().await;
    let expected = reader.rows("public.event");
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        ["2026-01-01T00:00:00.000001+00:00"]
    );
    assert_eq!(
        expected.values().next().unwrap()["at"],
        "\"2026-07-01T10:00:00+00:00\""
    );
    assert_eq!(
        writer.rows("public.event"),
        expected,
        "as pushed from another zone"
    );
    let mut third = offline_sync_testkit::Device::new(&db, Uuid::new_v4()).await;
    third.caller.sql(zone).await;
    third.cursor = None;
    third.pull().await;
    assert_eq!(
        third.rows("public.event"),
        expected,
        "as pulled in another zone"
    );
    third.caller.sql(zone).await;
    third.update(
        "public.event",
        json!({ "id": "2026-01-01T00:00:00.000001+00:00" }),
        json!({ "at": "2026-07-01T07:30:00-02:30" }),
    );
    assert_eq!(third.push().await.statuses(), ["applied"]);
    reader.pull().await;
    third.assert_in_step("public.event").await;
    reader.assert_in_step("public.event").await;
}

#[tokio::test]
async fn a_value_that_its_type_refuses_costs_only_its_own_mutation() {
    let db = Db::create().await;
    db.sql(SAMPLES).await;
    share(&db, "public.sample").await;
    let (mut writer, mut reader) = two_devices(&db).await;
    let bad = [
        (json!({ "i2": 40000 }), "22003"),
        (json!({ "i4": "seven" }), "22P02"),
        (json!({ "i4": 1.5 }), "22P02"),
        (json!({ "flag": "perhaps" }), "22P02"),
        (json!({ "scaled": "1234567890" }), "22003"),
        (json!({ "short": "x".repeat(51) }), "22001"),
        (json!({ "day": "2026-02-30" }), "22008"),
        (json!({ "feeling": "furious" }), "22P02"),
        (json!({ "price": "-1" }), "23514"),
        (json!({ "tip": "100" }), "23514"),
        (json!({ "raw": "not base64!" }), "22023"),
        (json!({ "ints": "1,2" }), "22P02"),
        (json!({ "ints": [[1], [2, 3]] }), "22P02"),
        (json!({ "other": "x" }), "22P02"),
        (json!({ "home": 5 }), "22023"),
    ];
    for (patch, _) in &bad {
        writer.insert(
            "public.sample",
            json!({ "id": Uuid::new_v4() }),
            patch.clone(),
        );
        writer.insert(
            "public.sample",
            json!({ "id": Uuid::new_v4() }),
            json!({ "i4": 1 }),
        );
    }
    let answer = writer.push().await;
    for (at, (patch, code)) in bad.iter().enumerate() {
        let seq = at as u64 * 2 + 1;
        assert_eq!(answer.status(seq), format!("rejected {code}"), "{patch}");
        assert_eq!(answer.status(seq + 1), "applied");
    }
    reader.pull().await;
    assert_eq!(reader.rows("public.sample").len(), bad.len());
}
