//! Policies that make one value of both sides' changes, through push: sets, JSON, text, and what `merge` stands for.

use offline_sync_testkit::Db;
use serde_json::{Value, json};

use crate::{TABLE, cards, devices_with_card, log_lines, now_ms, push_at, settle};

/// Two devices change `column` offline, with these clocks; how the second went, what it ends as, and the log.
async fn both(
    policy: Value,
    column: &str,
    base: Value,
    sides: [(Value, u64); 2],
) -> (String, Value, Vec<String>) {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { column: policy } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ column: base })).await;
    let now = now_ms(&db).await;
    let mut outcome = String::new();
    for (n, (value, delay)) in sides.into_iter().enumerate() {
        let patch = json!({ column: value });
        let (status, columns) = push_at(&mut devices, n, &key, patch, now + delay).await;
        assert_eq!(status, ["applied", "merged"][n]);
        outcome = columns.get(column).cloned().unwrap_or_default();
    }
    let value = settle(&mut devices, &key, column).await;
    (outcome, value, log_lines(&db).await)
}

#[tokio::test]
async fn a_set_keeps_what_either_added_and_drops_what_either_removed() {
    let sides = [
        (json!(["b", "c", "theirs"]), 20),
        (json!(["a", "b", "mine"]), 10),
    ];
    let (outcome, value, log) = both(json!("set"), "tags", json!(["a", "b", "c"]), sides).await;
    assert_eq!(
        (outcome.as_str(), value),
        ("merged", json!(["b", "theirs", "mine"]))
    );
    assert_eq!(
        log,
        [
            r#"tags set merged auto ["a", "b", "c"] ["a", "b", "mine"] ["b", "c", "theirs"]"#
                .replace(", ", ",")
        ]
    );
}

#[tokio::test]
async fn a_set_of_big_numbers_knows_them_in_either_spelling() {
    let sides = [
        (json!(["1", "9007199254740993", "3"]), 10),
        (json!(["9007199254740993", "4"]), 20),
    ];
    let base = json!(["1", "9007199254740993"]);
    let (_, value, _) = both(json!("set"), "ids", base, sides).await;
    assert_eq!(value, json!(["9007199254740993", "3", "4"]));
}

#[tokio::test]
async fn json_members_that_one_side_changed_never_conflict_and_leaves_go_by_their_clock() {
    let base = json!({ "a": 1, "b": { "x": 1, "y": 1 }, "gone": 1 });
    let sides = [
        (json!({ "a": 2, "b": { "x": 2, "y": 1 } }), 20),
        (
            json!({ "a": 3, "b": { "x": 1, "y": 3 }, "gone": 1, "new": true }),
            10,
        ),
    ];
    let (outcome, value, _) = both(json!("json"), "doc", base, sides).await;
    assert_eq!(outcome, "merged");
    assert_eq!(
        value,
        json!({ "a": 2, "b": { "x": 2, "y": 3 }, "new": true })
    );
}

#[tokio::test]
async fn text_edits_apart_from_each_other_both_survive() {
    let base = json!("one two three\r\nfour 🙂 five");
    let sides = [
        (json!("ONE two three\r\nfour 🙂 five"), 20),
        (json!("one two three\r\nfour 🙂 FIVE"), 10),
    ];
    let (outcome, value, log) = both(json!("text"), "a", base, sides).await;
    assert_eq!(
        (outcome.as_str(), value),
        ("merged", json!("ONE two three\r\nfour 🙂 FIVE"))
    );
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn overlapping_text_keeps_both_and_is_marked_in_the_log() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "a": "text" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "one two" })).await;
    let now = now_ms(&db).await;
    push_at(&mut devices, 0, &key, json!({ "a": "one zwei" }), now).await;
    push_at(&mut devices, 1, &key, json!({ "a": "one 2" }), now + 1).await;
    assert_eq!(settle(&mut devices, &key, "a").await, "one zwei 2");
    let listed = devices[1]
        .caller
        .conflicts(&json!({ "status": "auto" }))
        .await;
    let column = &listed["conflicts"][0]["columns"]["a"];
    assert_eq!(
        (&column["overlap"], &column["outcome"]),
        (&json!(true), &json!("merged"))
    );
}

#[tokio::test]
async fn merge_decides_by_the_type_and_the_log_names_the_policy_that_did() {
    let db = Db::create().await;
    cards(&db, json!({ "default": "merge" })).await;
    let row = json!({ "a": "one two", "n": "1", "tags": ["x"], "doc": { "k": 1 } });
    let (mut devices, key) = devices_with_card(&db, 2, row).await;
    let now = now_ms(&db).await;
    let theirs = json!({ "a": "ONE two", "n": "2", "tags": ["x", "t"], "doc": { "k": 1, "t": 1 } });
    let mine = json!({ "a": "one TWO", "n": "3", "tags": ["x", "m"], "doc": { "k": 1, "m": 1 } });
    push_at(&mut devices, 0, &key, theirs, now + 1).await;
    push_at(&mut devices, 1, &key, mine, now).await;
    for (column, expected) in [
        ("a", json!("ONE TWO")),
        ("n", json!("2")),
        ("tags", json!(["x", "t", "m"])),
        ("doc", json!({ "k": 1, "t": 1, "m": 1 })),
    ] {
        assert_eq!(
            settle(&mut devices, &key, column).await,
            expected,
            "{column}"
        );
    }
    let query =
        "select column_name || ' ' || policy from offline_data.conflict_resolution_log order by 1";
    let policies: Vec<String> = db.column(query, &[]).await;
    assert_eq!(
        policies,
        ["a text", "doc json", "n last_write_wins", "tags set"]
    );
}

#[tokio::test]
async fn a_default_policy_leaves_columns_alone_whose_type_it_does_not_fit() {
    let db = Db::create().await;
    db.sql(
        "create table public.card (id uuid primary key, a text, at timestamptz, owner uuid);
        alter table public.card enable row level security;
        create policy everyone on public.card to authenticated using (true) with check (true)",
    )
    .await;
    let options = json!({ "scope": "'public'", "policy": { "default": "text" } });
    db.enable_sync(TABLE, options).await;
    let start = json!({ "a": "one two", "at": "2026-01-01T00:00:00+00:00" });
    let (mut devices, key) = devices_with_card(&db, 2, start).await;
    let now = now_ms(&db).await;
    let theirs = json!({ "a": "ONE two", "at": "2026-02-01T00:00:00+00:00" });
    let mine = json!({ "a": "one TWO", "at": "2026-01-03T00:00:00+00:00" });
    push_at(&mut devices, 0, &key, theirs, now).await;
    let (status, _) = push_at(&mut devices, 1, &key, mine, now + 1).await;
    assert_eq!(status, "merged");
    assert_eq!(settle(&mut devices, &key, "a").await, "ONE TWO");
    let at = settle(&mut devices, &key, "at").await;
    assert_eq!(
        at, "2026-01-03T00:00:00+00:00",
        "two dates are not one text"
    );
}

#[tokio::test]
async fn a_column_whose_type_changed_since_is_decided_by_what_it_holds_now() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "a": "text" } })).await;
    db.sql("alter table public.card alter column a type date using null")
        .await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "2026-01-01" })).await;
    let now = now_ms(&db).await;
    push_at(&mut devices, 0, &key, json!({ "a": "2026-02-01" }), now).await;
    push_at(&mut devices, 1, &key, json!({ "a": "2026-01-03" }), now + 1).await;
    assert_eq!(settle(&mut devices, &key, "a").await, "2026-01-03");
}

#[tokio::test]
async fn an_element_that_was_removed_and_added_again_stays() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "tags": "set" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "tags": ["a", "b"] })).await;
    let now = now_ms(&db).await;
    push_at(&mut devices, 0, &key, json!({ "tags": ["b"] }), now).await;
    push_at(
        &mut devices,
        0,
        &key,
        json!({ "tags": ["b", "a"] }),
        now + 1,
    )
    .await;
    // Has not seen that the element was added again: to its view it was there all the time.
    push_at(&mut devices, 1, &key, json!({ "tags": ["b"] }), now + 2).await;
    assert_eq!(settle(&mut devices, &key, "tags").await, json!(["b", "a"]));
}

#[tokio::test]
async fn a_leaf_has_the_clock_of_its_own_last_write() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "doc": "json" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "doc": { "x": 0, "y": 0 } })).await;
    let now = now_ms(&db).await;
    push_at(
        &mut devices,
        0,
        &key,
        json!({ "doc": { "x": 1, "y": 0 } }),
        now,
    )
    .await;
    push_at(
        &mut devices,
        0,
        &key,
        json!({ "doc": { "x": 1, "y": 1 } }),
        now + 20,
    )
    .await;
    // Later than their write of x, earlier than their write of y.
    push_at(
        &mut devices,
        1,
        &key,
        json!({ "doc": { "x": 2, "y": 2 } }),
        now + 10,
    )
    .await;
    assert_eq!(
        settle(&mut devices, &key, "doc").await,
        json!({ "x": 2, "y": 1 })
    );
}

/// The history kept the spelling of the writer's time zone, and an element that was removed came back.
#[tokio::test]
async fn a_set_of_times_is_merged_whatever_the_zone_of_who_wrote() {
    let db = Db::create().await;
    cards(&db, json!({})).await;
    db.sql("alter table public.card add times timestamptz[]")
        .await;
    let options = json!({ "scope": "'public'", "policy": { "columns": { "times": "set" } } });
    db.enable_sync(TABLE, options).await;
    let time = |n: u32| format!("2026-01-0{n}T00:00:00+00:00");
    let (mut devices, key) =
        devices_with_card(&db, 2, json!({ "times": [time(1), time(2), time(3)] })).await;
    db.sql("set timezone = 'America/New_York'; update public.card set times = times || '2026-01-04 00:00:00+00'::timestamptz")
        .await;
    let extra = serde_json::Map::from_iter([("before".to_owned(), serde_json::Value::Null)]);
    devices[1].record(
        offline_sync_testkit::Op::Update,
        TABLE,
        key.clone(),
        json!({ "times": [time(1), time(2)] }),
        extra,
    );
    devices[1].push().await;
    assert_eq!(
        settle(&mut devices, &key, "times").await,
        json!([time(1), time(2), time(4)])
    );
}
