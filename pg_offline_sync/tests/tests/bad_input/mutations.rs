//! Mutations that are well formed and can never be applied: each costs its own verdict.

use offline_sync_testkit::PushAnswer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Stage, valid};

/// Tables that keep track of what was pushed.
const BOOKS: &[&str] = &["offline_data.sync_queue", "offline_data.device_sync_state"];

/// Pushes all cases in one batch: each is rejected with its code, and no content changes.
async fn all_rejected(stage: &Stage, cases: Vec<(Value, &str)>) {
    let before = stage.fingerprint(BOOKS).await;
    let mutations: Vec<Value> = cases
        .iter()
        .zip(1..)
        .map(|((case, _), seq)| {
            let mut mutation = valid();
            mutation["seq"] = json!(seq);
            for (name, value) in case.as_object().unwrap() {
                mutation[name] = value.clone();
            }
            mutation
        })
        .collect();
    // Values are written as they are: escapes such as \ud800 cannot pass through a JSON library.
    let batch = json!({ "v": 1, "mutations": mutations })
        .to_string()
        .replace("<NUL>", "\\u0000")
        .replace("<HALF>", "\\ud800");
    let answer = PushAnswer::parse(&stage.caller.push_text(stage.device, &batch).await.unwrap());
    for ((case, code), seq) in cases.iter().zip(1..) {
        assert_eq!(answer.status(seq), format!("rejected {code}"), "{case}");
    }
    assert_eq!(stage.fingerprint(BOOKS).await, before);
    stage.assert_alive().await;
}

#[tokio::test]
async fn tables_that_are_not_synced_are_rejected_whatever_they_are_called() {
    let stage = Stage::new().await;
    let names = [
        "",
        " ",
        "note",
        "Public.Note",
        "public.NOTE",
        "\"public\".\"note\"",
        "public.note ",
        "public.nowhere",
        "public.member",
        "pg_catalog.pg_class",
        "pg_authid",
        "offline_data.row_state",
        "offline_data.device_sync_state",
        "information_schema.tables",
        "public.note; drop table public.note",
        "public.note where true --",
        "(select 1)",
        "public.note as t, public.task",
        "public.note<NUL>x",
        "..",
        "%s",
        "{k}",
        "😀",
    ];
    let code = |name: &str| if name.contains('<') { "22P05" } else { "42P01" };
    let cases = names
        .iter()
        .map(|name| (json!({ "table": name }), code(name)));
    all_rejected(&stage, cases.collect()).await;
}

#[tokio::test]
async fn keys_of_the_wrong_shape_are_rejected() {
    let stage = Stage::new().await;
    let id = Uuid::new_v4();
    let keys = [
        json!({ "x": 1 }),
        json!({ "id": id, "x": 1 }),
        json!({ "ID": id }),
        json!({ "id": null }),
        json!({ "id": 5 }),
        json!({ "id": true }),
        json!({ "id": [id] }),
        json!({ "id": { "id": id } }),
        json!({ "id": "" }),
        json!({ "id": "not a uuid" }),
        json!({ "id": format!("{{{id}}}") }),
        json!({ "id": format!("{id} ") }),
        json!({ "id": "' or 1=1 --" }),
        json!({ "id": "00000000-0000-0000-0000-00000000000g" }),
    ];
    let mut cases = Vec::new();
    for key in keys {
        for op in ["insert", "update", "upsert", "delete"] {
            cases.push((json!({ "op": op, "key": key }), "22023"));
        }
    }
    all_rejected(&stage, cases).await;
}

#[tokio::test]
async fn columns_that_cannot_be_written_are_rejected() {
    let stage = Stage::new().await;
    let task = |patch: Value| json!({ "table": "public.task", "patch": patch });
    let cases = vec![
        (json!({ "patch": { "nope": 1 } }), "42703"),
        (json!({ "patch": { "Title": "x" } }), "42703"),
        (json!({ "patch": { "title ": "x" } }), "42703"),
        (json!({ "patch": { "": "x" } }), "42703"),
        (json!({ "patch": { "ctid": "(0,1)" } }), "42703"),
        (json!({ "patch": { "xmin": "1" } }), "42703"),
        (json!({ "patch": { "tableoid": "1" } }), "42703"),
        (json!({ "patch": { "title = 'x', user_id": "x" } }), "42703"),
        (
            json!({ "patch": { "title\" = (select 1) --": "x" } }),
            "42703",
        ),
        (task(json!({ "grade": 1 })), "42501"),
        (
            json!({ "op": "update", "table": "public.task", "patch": { "grade": null } }),
            "42501",
        ),
        (
            json!({ "op": "upsert", "table": "public.task", "patch": { "grade": 1, "title": "x" } }),
            "42501",
        ),
        (
            json!({ "op": "call", "function": "public.anything" }),
            "42883",
        ),
        (
            json!({ "op": "call", "function": "pg_sleep", "args": { "seconds": 100 } }),
            "42883",
        ),
    ];
    all_rejected(&stage, cases).await;
}

#[tokio::test]
async fn text_that_postgres_cannot_store_is_rejected_wherever_it_is() {
    let stage = Stage::new().await;
    let mut cases = Vec::new();
    for bad in ["<NUL>", "a<NUL>b", "<HALF>", "<HALF>x", "\u{10000}<HALF>"] {
        cases.push((json!({ "patch": { "title": bad } }), "22P05"));
        cases.push((json!({ "patch": { bad: "x" } }), "22P05"));
        cases.push((json!({ "key": { "id": bad } }), "22P05"));
        cases.push((json!({ "key": { bad: "x" } }), "22P05"));
        cases.push((json!({ "before": { "title": bad } }), "22P05"));
        cases.push((json!({ "group": bad }), "22P05"));
        cases.push((json!({ "table": bad }), "22P05"));
        cases.push((json!({ "patch": { "title": { "deep": [bad] } } }), "22P05"));
    }
    // Beside another fault, where nobody looks.
    cases.push((
        json!({ "patch": { "nope": 1 }, "comment": "<NUL>" }),
        "42703",
    ));
    all_rejected(&stage, cases).await;
}

#[tokio::test]
async fn values_that_do_not_fit_their_column_are_rejected() {
    let stage = Stage::new().await;
    let cases = vec![
        (json!({ "patch": { "n": "nine" } }), "22P02"),
        (json!({ "patch": { "n": "9223372036854775808" } }), "22003"),
        (json!({ "patch": { "n": 1e300 } }), "22P02"),
        (json!({ "patch": { "n": [] } }), "22P02"),
        (json!({ "patch": { "n": {} } }), "22P02"),
        (json!({ "patch": { "n": null } }), "23502"),
        (json!({ "patch": { "user_id": "me" } }), "22P02"),
        (json!({ "patch": { "user_id": null } }), "42501"),
        (json!({ "patch": { "title": "x".repeat(201) } }), "23514"),
        (json!({ "patch": { "user_id": Uuid::new_v4() } }), "42501"),
    ];
    all_rejected(&stage, cases).await;
}
