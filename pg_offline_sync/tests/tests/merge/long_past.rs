//! Rows with a long or a heavy past, and merges that take long: a push stays quick, and can be ended.

use std::time::{Duration, Instant};

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{TABLE, cards, devices_with_card, log_lines, settle};

/// Far above what any of these takes, far below what the whole past would.
const QUICK: Duration = Duration::from_secs(5);

/// The database's owner writes `column` so many times: `i` is the number, `x` the column.
async fn write_often(db: &Db, column: &str, times: u32, value: &str) {
    db.sql(&format!(
        "do $$ begin for i in 1 .. {times} loop update public.card set {column} = {value}; end loop; end $$"
    ))
    .await;
}

/// Pushes an edit on an old base; status and value in the end.
async fn push_late(
    devices: &mut [Device],
    key: &Value,
    column: &str,
    mine: Value,
) -> (String, Value) {
    let seq = devices[1].update(TABLE, key.clone(), json!({ column: mine }));
    let start = Instant::now();
    let answer = devices[1].push().await;
    assert!(start.elapsed() < QUICK, "{:?}", start.elapsed());
    let status = answer.verdict(seq).status.clone();
    (status, settle(devices, key, column).await)
}

#[tokio::test]
async fn a_text_with_a_heavy_past_is_merged() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "a": "text" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "one two three" })).await;
    let value = "'one two THREE' || repeat(' word ' || i || E'\\n', 40000)";
    write_often(&db, "a", 200, value).await;
    write_often(&db, "a", 1, "'one two THREE'").await;
    let done = push_late(&mut devices, &key, "a", json!("ONE two three")).await;
    assert_eq!(done, ("merged".to_owned(), json!("ONE two THREE")));
}

#[tokio::test]
async fn a_set_with_a_heavy_past_is_merged_by_the_latest_of_it() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "tags": "set" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "tags": ["old", "kept"] })).await;
    let value = "array(select 'element ' || n || ' of ' || i from generate_series(1, 20000) n) || array['old', 'kept']";
    write_often(&db, "tags", 60, value).await;
    // Removed and added again: only the trail knows.
    write_often(&db, "tags", 1, "array['kept']").await;
    write_often(&db, "tags", 1, "array['kept', 'old']").await;
    let (status, value) = push_late(&mut devices, &key, "tags", json!(["kept", "mine"])).await;
    assert_eq!(
        (status.as_str(), value),
        ("merged", json!(["kept", "old", "mine"]))
    );
}

#[tokio::test]
async fn a_document_with_a_heavy_past_is_merged() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "doc": "json" } })).await;
    let base = json!({ "a": 1, "b": 1 });
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "doc": base })).await;
    let value = "(select jsonb_object_agg('member ' || n, i) from generate_series(1, 10000) n) || '{\"a\": 1, \"b\": 1}'";
    write_often(&db, "doc", 60, value).await;
    write_often(&db, "doc", 1, "'{\"a\": 1, \"b\": 2}'").await;
    let mine = json!({ "a": 2, "b": 1 });
    let done = push_late(&mut devices, &key, "doc", mine).await;
    assert_eq!(done, ("merged".to_owned(), json!({ "a": 2, "b": 2 })));
}

#[tokio::test]
async fn what_others_wrote_before_a_heavy_past_of_ones_own_stays() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "a": "text" } })).await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "one\ntwo\n" })).await;
    devices[1].pull().await;
    let base = devices[1].row(TABLE, &key).unwrap().version.clone();
    devices[0].update(TABLE, key.clone(), json!({ "a": "one\ntwo\ntheirs\n" }));
    devices[0].push().await;
    // Nine writes of one device, each on the first base, none telling what it saw.
    let heavy = "word ".repeat(60_000);
    let mine = devices[1].caller.new_device().await;
    for n in 0..9 {
        let mutation = json!({ "seq": (n + 1).to_string(), "op": "update", "table": TABLE, "key": key, "base": base,
            "patch": { "a": format!("one\n{heavy}{n}\ntwo\n") } });
        devices[1].caller.push(mine, &json!([mutation])).await;
    }
    let value = settle(&mut devices, &key, "a").await;
    let text = value.as_str().unwrap();
    assert!(text.contains("theirs") && text.contains("word 8"));
}

#[tokio::test]
async fn a_run_of_long_merges_ends_where_it_is_cancelled() {
    let db = Db::create().await;
    cards(&db, json!({ "columns": { "a": "text" } })).await;
    let insert = "insert into public.card (id) select gen_random_uuid() from generate_series(1, 15) returning id";
    let ids: Vec<Uuid> = db.column(insert, &[]).await;
    let mut device = Device::new(&db, Uuid::new_v4()).await;
    let noise = |seed: u64| {
        let mut state = seed;
        let mut word = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ["a ", "b ", "a\n", "c ", "b\n", "d "][(state >> 33) as usize % 6]
        };
        (0..12_000).map(|_| word()).collect::<String>()
    };
    db.rows("update public.card set a = $1", &[&noise(1)]).await;
    device.pull().await;
    db.rows("update public.card set a = $1", &[&noise(2)]).await;
    for id in &ids {
        device.update(TABLE, json!({ "id": id }), json!({ "a": noise(3) }));
    }
    let caller = &device.caller;
    let batch = device.batch();
    caller.sql("begin").await;
    let start = Instant::now();
    caller.push_text(device.id, &batch).await.unwrap();
    let whole = start.elapsed();
    caller.sql("rollback").await;
    let limit = whole.as_millis() / 5;
    caller
        .sql(&format!("set statement_timeout = {limit}"))
        .await;
    let start = Instant::now();
    let error = caller.push_text(device.id, &batch).await.unwrap_err();
    assert_eq!(error.code, "57014");
    assert!(
        start.elapsed() < whole * 3 / 4,
        "{:?} of {whole:?}",
        start.elapsed()
    );
    assert_eq!(log_lines(&db).await, Vec::<String>::new());
}
