//! Where the value comes from that both sides started from.

use offline_sync_testkit::{Db, Device, Op};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, hlc, log_lines, now_ms, push_at, settle};

/// A push that does not say what the device saw.
async fn push_without_before(device: &mut Device, key: &Value, patch: Value, ms: u64) -> String {
    let extra = [
        ("hlc".to_owned(), hlc(ms)),
        ("before".to_owned(), Value::Null),
    ];
    let seq = device.record(Op::Update, TABLE, key.clone(), patch, Map::from_iter(extra));
    device.push().await.status(seq)
}

/// Two devices change every kind of column; the second sends no `before`. `prune`: the history is gone by then.
async fn contest_without_before(policy: Value, prune: bool) -> (String, Value, Vec<String>) {
    contest(policy, prune, false).await
}

async fn contest(policy: Value, prune: bool, tells: bool) -> (String, Value, Vec<String>) {
    let db = Db::create().await;
    cards(&db, policy).await;
    let row = json!({ "a": "one two three", "n": "9007199254740993", "tags": ["a", "b"], "ids": ["1", "2"],
        "doc": { "x": 0, "y": 0 } });
    let (mut devices, key) = devices_with_card(&db, 2, row).await;
    let now = now_ms(&db).await;
    let theirs = json!({ "a": "ONE two three", "n": "9007199254740994", "tags": ["b", "t"], "ids": ["2", "3"],
        "doc": { "x": 1, "y": 0 } });
    push_at(&mut devices, 0, &key, theirs, now).await;
    // Another zone than the wire's, as a person in psql may have.
    db.sql("set timezone = 'Asia/Tokyo'; update public.card set b = 'by hand'")
        .await;
    if prune {
        db.sql(
            "update offline_data.synced_table set history = '0'; select offline.prune_history()",
        )
        .await;
    }
    let mine = json!({ "a": "one two THREE", "n": "9007199254740995", "tags": ["a", "m"], "ids": ["1", "4"],
        "doc": { "x": 0, "y": 2 } });
    let status = if tells {
        push_at(&mut devices, 1, &key, mine, now + 5).await.0
    } else {
        push_without_before(&mut devices[1], &key, mine, now + 5).await
    };
    settle(&mut devices, &key, "a").await;
    let row = devices[0].view(TABLE, &key).unwrap();
    let value = |column: &str| serde_json::from_str::<Value>(&row[column]).unwrap();
    let values = json!([
        value("a"),
        value("n"),
        value("tags"),
        value("ids"),
        value("doc")
    ]);
    (status, values, log_lines(&db).await)
}

fn combining() -> Value {
    json!({ "columns": { "a": "text", "n": "counter", "tags": "set", "ids": "set", "doc": "json" } })
}

#[tokio::test]
async fn without_before_the_base_comes_from_the_history() {
    let (status, values, log) = contest_without_before(combining(), false).await;
    assert_eq!(status, "merged");
    let merged =
        json!(["ONE two THREE", "9007199254740996", ["t", "m"], ["3", "4"], { "x": 1, "y": 2 }]);
    assert_eq!(values, merged);
    assert!(
        log.iter().all(|line| line.contains(" - ")),
        "the device told nothing: {log:?}"
    );
}

#[tokio::test]
async fn with_neither_before_nor_history_nothing_is_lost() {
    let (status, values, log) = contest_without_before(combining(), true).await;
    assert_eq!(status, "conflict", "nobody knows what was counted");
    assert_eq!(values[0], "one two THREE", "the later clock");
    assert_eq!(
        values[1], "9007199254740994",
        "theirs stays until a person decides"
    );
    assert_eq!(values[2], json!(["b", "t", "a", "m"]), "the union");
    assert_eq!(values[3], json!(["2", "3", "1", "4"]), "the union");
    assert_eq!(values[4], json!({ "x": 0, "y": 2 }), "leaves by clock");
    assert!(
        log.iter().all(|line| line.contains(" - ")),
        "no base is known: {log:?}"
    );
}

#[tokio::test]
async fn the_base_is_logged_under_every_policy() {
    for policy in [
        "last_write_wins",
        "client_wins",
        "server_wins",
        "max",
        "manual",
    ] {
        let (_, _, log) = contest(json!({ "default": policy }), false, true).await;
        assert_eq!(log.len(), 5, "{policy}: {log:?}");
        assert!(
            log.iter().all(|line| !line.contains(" - ")),
            "{policy}: {log:?}"
        );
        let n = log.iter().find(|line| line.starts_with("n ")).unwrap();
        assert!(
            n.contains("\"9007199254740993\" \"9007199254740995\" \"9007199254740994\""),
            "{n}"
        );
    }
}

#[tokio::test]
async fn a_before_that_lacks_a_column_is_completed_from_the_history() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "n": "counter" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base", "n": "10" })).await;
    let now = now_ms(&db).await;
    push_at(&mut devices, 0, &key, json!({ "n": "13" }), now).await;
    let extra = Map::from_iter([("before".to_owned(), json!({ "a": "base" }))]);
    let seq = devices[1].record(
        Op::Update,
        TABLE,
        key.clone(),
        json!({ "a": "x", "n": "15" }),
        extra,
    );
    assert_eq!(devices[1].push().await.status(seq), "merged");
    assert_eq!(settle(&mut devices, &key, "n").await, "18");
}

#[tokio::test]
async fn a_device_that_never_saw_the_row_started_from_nothing() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "tags": "set" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "tags": ["a"] })).await;
    let now = now_ms(&db).await;
    push_at(&mut devices, 0, &key, json!({ "tags": ["a", "b"] }), now).await;
    let extra = [("base", Value::Null), ("before", Value::Null)];
    let extra = Map::from_iter(extra.map(|(name, value)| (name.to_owned(), value)));
    devices[1].record(
        Op::Upsert,
        TABLE,
        key.clone(),
        json!({ "tags": ["c"] }),
        extra,
    );
    devices[1].push().await;
    assert_eq!(
        settle(&mut devices, &key, "tags").await,
        json!(["a", "b", "c"])
    );
}

#[tokio::test]
async fn times_and_bytes_of_the_history_travel_as_those_of_rows() {
    let db = Db::create().await;
    db.sql(
        "create table public.card (id uuid primary key, at timestamptz, raw bytea, price numeric, prices numeric[]);
        alter table public.card enable row level security;
        create policy everyone on public.card to authenticated using (true) with check (true)",
    )
    .await;
    db.enable_sync(
        TABLE,
        json!({ "scope": "'public'", "policy": { "default": "manual" } }),
    )
    .await;
    let start = json!({ "at": "2026-01-01T00:00:00+00:00", "raw": "AAH/", "price": "1.50", "prices": ["1.50", null, "2"] });
    devices_with_card(&db, 1, start.clone()).await;
    db.sql("set timezone = 'Asia/Tokyo'; update public.card set at = now(), raw = '', price = 2, prices = '{}'").await;
    let bases: Value = db
        .one(
            "select offline_private.base_values(s.table_id, h.row_key, h.version, array['at', 'raw', 'price', 'prices'], t.shape -> 'forms')
            from offline_data.row_history h join offline_data.row_state s using (table_id, row_key)
            join offline_data.synced_table t using (table_id) where h.op = 'i'",
            &[],
        )
        .await;
    assert_eq!(bases, start);
}

#[tokio::test]
async fn the_history_of_a_row_outside_of_ones_scopes_stays_closed() {
    let db = Db::create().await;
    offline_sync_testkit::fixtures::notes(&db).await;
    let (victim, attacker) = (Uuid::new_v4(), db.caller(Uuid::new_v4()).await);
    let id = Uuid::new_v4();
    let insert = "insert into public.note (id, user_id, title) values ($1, $2, 'private')";
    db.rows(insert, &[&id, &victim]).await;
    let seen: i64 = db
        .one("select version from offline_data.row_state", &[])
        .await;
    db.sql("update public.note set title = 'private, too'")
        .await;
    let device = attacker.new_device().await;
    let query = "select offline_private.row_states($1, (select table_id from offline_private.synced_tables()), array[$2::text],
        array[$3::bigint], array['title'], array['title'], null, '{}')";
    let told: String = attacker
        .client()
        .query_one(query, &[&device, &id.to_string(), &seen])
        .await
        .unwrap()
        .get(0);
    assert!(!told.contains("private"), "{told}");
}
