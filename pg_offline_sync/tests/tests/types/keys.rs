//! Keys of all kinds: one row, one spelling.

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};

use crate::{exchange, share, two_devices};

/// Type of the key, and for each row a key as a device may write it.
const KEYS: &[(&str, [&str; 3])] = &[
    (
        "uuid",
        [
            "\"AAAAAAAA-0000-4000-8000-00000000000a\"",
            "\"bbbbbbbb000040008000000000000001\"",
            "\"00000000-0000-0000-0000-000000000000\"",
        ],
    ),
    ("int2", ["1", "\"-2\"", "32767"]),
    ("int4", ["1", "\"-2\"", "2147483647"]),
    (
        "int8",
        ["1", "\"9007199254740993\"", "\"-9223372036854775808\""],
    ),
    ("text", ["\"a\"", "\"quote ' \\\" \\\\ / \\n 😀\"", "\"\""]),
    ("varchar(20)", ["\"a\"", "\"[\\\"x\\\",1]\"", "\"null\""]),
    (
        "numeric",
        ["\"1.50\"", "2", "\"123456789012345678901234567890.5\""],
    ),
    ("numeric(10, 2)", ["\"1.5\"", "2", "\"-0.01\""]),
    (
        "timestamptz",
        [
            "\"2026-01-01T00:00:00Z\"",
            "\"2026-01-01T02:00:00.25+01:00\"",
            "\"1999-12-31T23:59:59.999999Z\"",
        ],
    ),
    (
        "timestamp",
        [
            "\"2026-01-01T00:00:00\"",
            "\"2026-01-01 02:00:00.25\"",
            "\"1999-12-31T23:59:59.999999\"",
        ],
    ),
    ("date", ["\"2026-01-01\"", "\"2026-1-2\"", "\"1999-12-31\""]),
    ("bytea", ["\"AAEC\"", "\"/+8=\"", "\"YQ==\""]),
    ("bool", ["true", "false", "null"]),
    ("char(4)", ["\"a\"", "\"abcd\"", "\"é\""]),
    ("inet", ["\"10.0.0.1\"", "\"10.0.0.0/8\"", "\"::1\""]),
];

fn key(text: &str) -> Value {
    json!({ "id": serde_json::from_str::<Value>(text).unwrap() })
}

/// Insert, update from the other side, delete: three rows, each with a key that is not yet canonical.
async fn life_of_rows(db: &Db, table: &str, keys: &[Value]) {
    let (mut one, mut two) = two_devices(db).await;
    for (n, key) in keys.iter().enumerate() {
        one.insert(table, key.clone(), json!({ "n": n }));
    }
    assert_eq!(
        one.push().await.count("applied"),
        keys.len(),
        "{table} {:?}",
        one.verdicts
    );
    two.pull().await;
    two.assert_in_step(table).await;
    assert_eq!(two.rows(table).len(), keys.len());
    for key in keys {
        two.update(table, key.clone(), json!({ "n": 7 }));
    }
    assert_eq!(
        two.push().await.count("rejected"),
        0,
        "{table} {:?}",
        two.verdicts
    );
    let mut three = Device::new(db, two.caller.user()).await;
    three.assert_in_step(table).await;
    assert!(
        three.rows(table).values().all(|row| row["n"] == "7"),
        "{table} {:?}",
        three.rows(table)
    );
    two.pull().await;
    let names = keys[0].as_object().unwrap().keys();
    let row = three.rows(table).into_values().next().unwrap();
    let canonical = names.map(|name| (name.clone(), serde_json::from_str(&row[name]).unwrap()));
    three.delete(table, Value::Object(canonical.collect()));
    assert_eq!(three.push().await.statuses(), ["applied"]);
    // Whoever has the row finds it under the key in the deletion.
    assert_eq!(two.pull().await.deletes, 1);
    two.assert_in_step(table).await;
    assert_eq!(two.rows(table).len(), keys.len() - 1, "{table}");
}

#[tokio::test]
async fn rows_are_found_by_keys_of_any_type_and_spelling() {
    let db = Db::create().await;
    for (at, (kind, keys)) in KEYS.iter().enumerate() {
        let table = format!("public.keyed_{at}");
        db.sql(&format!(
            "create table {table} (id {kind} primary key, n int)"
        ))
        .await;
        share(&db, &table).await;
        let keys: Vec<Value> = keys
            .iter()
            .filter(|text| **text != "null")
            .map(|text| key(text))
            .collect();
        life_of_rows(&db, &table, &keys).await;
    }
}

#[tokio::test]
async fn composite_keys_name_their_row_whatever_the_order_of_their_columns() {
    let db = Db::create().await;
    db.sql(
        "create table public.pair (b text, a int8, at timestamptz, n int, primary key (a, b, at))",
    )
    .await;
    share(&db, "public.pair").await;
    let keys = [
        json!({ "a": "1", "b": "x,\"]", "at": "2026-01-01T00:00:00Z" }),
        json!({ "at": "2026-01-01T01:00:00+01:00", "b": "y", "a": 1 }),
        json!({ "b": "", "at": "2026-01-01T00:00:00.5Z", "a": "9007199254740993" }),
    ];
    life_of_rows(&db, "public.pair", &keys).await;
}

#[tokio::test]
async fn two_spellings_of_one_key_are_one_row() {
    let db = Db::create().await;
    db.sql("create table public.price (id numeric primary key, n int)")
        .await;
    share(&db, "public.price").await;
    let (mut one, _) = two_devices(&db).await;
    one.insert("public.price", json!({ "id": "1.0" }), json!({ "n": 1 }));
    one.insert("public.price", json!({ "id": "1.00" }), json!({ "n": 2 }));
    one.update("public.price", json!({ "id": 1 }), json!({ "n": 3 }));
    assert_eq!(
        one.push().await.statuses(),
        ["applied", "rejected 23505", "applied"]
    );
    let two = Device::new(&db, one.caller.user()).await;
    two.assert_in_step("public.price").await;
    assert_eq!(
        two.rows("public.price")
            .into_values()
            .map(|row| row["n"].clone())
            .collect::<Vec<_>>(),
        ["3"]
    );
    let state: i64 = db
        .one("select count(*) from offline_data.row_state", &[])
        .await;
    assert_eq!(state, 1);
}

#[tokio::test]
async fn devices_choose_the_values_of_identity_keys_and_serials() {
    let db = Db::create().await;
    for kind in [
        "int8 generated always as identity",
        "int8 generated by default as identity",
        "bigserial",
    ] {
        db.sql(&format!("drop table if exists public.counted; create table public.counted (id {kind} primary key, n int)")).await;
        share(&db, "public.counted").await;
        let (mut one, mut two) = two_devices(&db).await;
        one.insert("public.counted", json!({ "id": "41" }), json!({ "n": 1 }));
        one.upsert("public.counted", json!({ "id": "42" }), json!({ "n": 2 }));
        exchange(&mut one, &mut two, "public.counted").await;
        two.update("public.counted", json!({ "id": "41" }), json!({ "n": 5 }));
        exchange(&mut two, &mut one, "public.counted").await;
        db.sql("select offline.disable_sync('public.counted')")
            .await;
    }
}

/// They were taken for different rows, and the later edit was applied before the earlier one.
#[tokio::test]
async fn two_spellings_of_a_key_in_one_batch_keep_the_order_of_the_edits() {
    for (kind, other, first, second) in [
        ("numeric", "2", "\"1.50\"", "\"1.5\""),
        (
            "timestamptz",
            "\"2026-02-01T00:00:00Z\"",
            "\"2026-01-01T00:00:00.000Z\"",
            "\"2026-01-01T01:00:00+01:00\"",
        ),
        ("inet", "\"10.0.0.1\"", "\"::AB\"", "\"::ab\""),
    ] {
        let db = Db::create().await;
        db.sql(&format!(
            "create table public.thing (id {kind} primary key, a text, b text);
            alter table public.thing enable row level security;
            create policy everyone on public.thing to authenticated using (true) with check (true)"
        ))
        .await;
        db.enable_sync("public.thing", json!({ "scope": "'public'" }))
            .await;
        let (mut device, _) = two_devices(&db).await;
        for spelling in [other, first] {
            device.insert("public.thing", key(spelling), json!({ "a": "base" }));
        }
        device.push().await;
        let both = json!({ "a": "x", "b": "x" });
        device.update("public.thing", key(other), both);
        device.update("public.thing", key(first), json!({ "a": "first" }));
        device.update(
            "public.thing",
            key(second),
            json!({ "a": "second", "b": "x" }),
        );
        let answer = device.push().await;
        assert_eq!(answer.count("applied"), 3, "{kind}");
        let found: Vec<String> = db
            .column("select a from public.thing order by a", &[])
            .await;
        assert_eq!(found, ["second", "x"], "{kind}");
    }
}
