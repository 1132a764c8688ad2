//! The batch as a whole, and the fields of its mutations: a batch that is not understood is refused as a whole.

use serde_json::{Value, json};

use crate::{Stage, batch_with, valid};

/// Refusals, each leaving no trace at all.
async fn all_refused(stage: &Stage, cases: Vec<(String, &str)>) {
    let before = stage.fingerprint(&[]).await;
    for (batch, code) in cases {
        let error = stage.caller.push_err(stage.device, &batch).await;
        assert_eq!(error.code, code, "{batch:.200}: {error}");
    }
    assert_eq!(stage.fingerprint(&[]).await, before);
    stage.assert_alive().await;
}

#[tokio::test]
async fn text_that_is_no_batch_is_refused() {
    let stage = Stage::new().await;
    let good = batch_with(|_| {});
    let mut cases: Vec<(String, &str)> = [
        "",
        " ",
        "null",
        "7",
        "true",
        "\"x\"",
        "[]",
        "{",
        "{}",
        "{\"v\":1}",
        "{\"mutations\":[]}",
        "\u{feff}{}",
        "{\"v\":1,\"v\":1,\"mutations\":[]}",
        "{\"v\":1,\"mutations\":[],\"mutations\":[]}",
        "{'v':1}",
        "{\"v\":01,\"mutations\":[]}",
        "{\"v\":1,\"mutations\":[]} x",
        "{\"v\":1,\"mutations\":[],}",
        "{\"v\":NaN,\"mutations\":[]}",
    ]
    .map(|text| (text.to_owned(), "22023"))
    .into();
    cases
        .extend([1, 10, good.len() / 2, good.len() - 1].map(|at| (good[..at].to_owned(), "22023")));
    cases.push((format!("{good}{good}"), "22023"));
    cases.push((good.replace("\"x\"", "\"\u{1}\""), "22023"));
    cases.push((good.replace("\"x\"", "\"\\x\""), "22023"));
    cases.push(("[".repeat(200_000), "22023"));
    cases.push(("{\"v\":".repeat(100_000), "22023"));
    all_refused(&stage, cases).await;
}

#[tokio::test]
async fn fields_of_the_batch_of_the_wrong_type_or_size_are_refused() {
    let stage = Stage::new().await;
    let table: Vec<(&str, Vec<Value>, &str)> = vec![
        (
            "v",
            vec![
                json!(null),
                json!(0),
                json!(2),
                json!("1"),
                json!(1.5),
                json!(-1),
                json!(true),
                json!([]),
                json!({}),
            ],
            "22023",
        ),
        (
            "sent_at",
            vec![
                json!(5),
                json!([]),
                json!({}),
                json!("yesterday"),
                json!(""),
                json!("2026-13-01T00:00:00Z"),
                json!("2026-01-01T00:00:00+0"),
                json!("99999-01-01T00:00:00Z"),
            ],
            "22023",
        ),
        ("sent_at", vec![json!("x".repeat(129))], "PT413"),
        (
            "mutations",
            vec![
                json!(null),
                json!({}),
                json!("x"),
                json!(7),
                json!([null]),
                json!([7]),
                json!(["x"]),
                json!([[]]),
                json!([{}]),
            ],
            "22023",
        ),
        ("mutations", vec![json!(vec![valid(); 1_001])], "PT413"),
    ];
    let mut cases = Vec::new();
    for (field, values, code) in table {
        for value in values {
            cases.push((batch_with(|batch| batch[field] = value), code));
        }
    }
    for field in ["v", "mutations"] {
        cases.push((
            batch_with(|batch| drop(batch.as_object_mut().unwrap().remove(field))),
            "22023",
        ));
    }
    cases.push((
        batch_with(|batch| batch["mutations"][0]["patch"]["title"] = json!("x".repeat(1_000_000))),
        "PT413",
    ));
    cases.push((
        batch_with(|batch| batch["more"] = serde_json::from_str(&nested(80)).unwrap()),
        "PT413",
    ));
    all_refused(&stage, cases).await;
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[tokio::test]
async fn fields_of_a_mutation_of_the_wrong_type_or_size_refuse_the_batch() {
    let stage = Stage::new().await;
    let not_text = [json!(5), json!(true), json!([]), json!({})];
    let not_number = [
        json!("x"),
        json!(""),
        json!(" 1"),
        json!(1.5),
        json!(-1),
        json!("-1"),
        json!("1e3"),
        json!(true),
        json!([]),
        json!({}),
        json!("9223372036854775808"),
        json!("99999999999999999999999"),
    ];
    let not_object = [json!([]), json!("x"), json!(5), json!(true), json!([{}])];
    let long = json!("x".repeat(129));
    let deep: Value = serde_json::from_str(&nested(70)).unwrap();
    let table: Vec<(&str, Vec<Value>, &str)> = vec![
        (
            "seq",
            [&not_number[..], &[json!(null), json!(0), json!("0")]].concat(),
            "22023",
        ),
        ("seq", vec![json!("2"), json!(7)], "PT409"),
        (
            "op",
            [
                &not_text[..],
                &[
                    json!(null),
                    json!(""),
                    json!("INSERT"),
                    json!("drop"),
                    json!("call"),
                ],
            ]
            .concat(),
            "22023",
        ),
        ("table", [&not_text[..], &[json!(null)]].concat(), "22023"),
        ("table", vec![long.clone()], "PT413"),
        (
            "key",
            [&not_object[..], &[json!(null), json!({})]].concat(),
            "22023",
        ),
        (
            "key",
            vec![
                json!({ "id": "x".repeat(2_001) }),
                json!({ "x".repeat(129): 1 }),
                json!({ "id": deep }),
            ],
            "PT413",
        ),
        ("base", not_number.to_vec(), "22023"),
        ("patch", [&not_object[..], &[json!(null)]].concat(), "22023"),
        (
            "patch",
            vec![json!({ "title": deep }), json!({ "x".repeat(129): 1 })],
            "PT413",
        ),
        ("before", not_object.to_vec(), "22023"),
        (
            "before",
            vec![json!({ "title": deep }), json!({ "x".repeat(129): 1 })],
            "PT413",
        ),
        ("hlc", not_number.to_vec(), "22023"),
        (
            "after",
            vec![
                json!("1"),
                json!(5),
                json!({}),
                json!(["x"]),
                json!([0]),
                json!(["1"]),
                json!([2]),
                json!([null]),
                json!([[]]),
                json!([-1]),
            ],
            "22023",
        ),
        ("group", not_text.to_vec(), "22023"),
        ("group", vec![long], "PT413"),
        (
            "priority",
            vec![
                json!(-1),
                json!(10),
                json!(1.5),
                json!("5"),
                json!([]),
                json!(99_999),
                json!(true),
            ],
            "22023",
        ),
        ("function", not_text.to_vec(), "22023"),
        ("args", vec![deep.clone()], "PT413"),
        ("unknown", vec![deep], "PT413"),
    ];
    let mut cases = Vec::new();
    for (field, values, code) in table {
        for value in values {
            cases.push((
                batch_with(|batch| batch["mutations"][0][field] = value),
                code,
            ));
        }
    }
    for field in ["seq", "op", "table", "key", "patch"] {
        cases.push((
            batch_with(|batch| drop(batch["mutations"][0].as_object_mut().unwrap().remove(field))),
            "22023",
        ));
    }
    let twice = batch_with(|_| {}).replace("\"seq\":\"1\"", "\"seq\":\"1\",\"seq\":\"1\"");
    cases.push((twice, "22023"));
    let twice = batch_with(|_| {}).replace("\"title\":\"x\"", "\"title\":\"x\",\"title\":\"y\"");
    cases.push((twice, "22023"));
    let many: Vec<u64> = (1..=1_001).collect();
    let mut late = valid();
    (late["seq"], late["after"]) = (json!("1002"), json!(many));
    cases.push((json!({ "v": 1, "mutations": [late] }).to_string(), "PT413"));
    all_refused(&stage, cases).await;
}

#[tokio::test]
async fn limits_are_told_in_the_detail() {
    let stage = Stage::new().await;
    let batch = json!({ "v": 1, "mutations": vec![valid(); 1_001] }).to_string();
    let error = stage.caller.push_err(stage.device, &batch).await;
    assert_eq!(
        (error.code.as_str(), error.detail.as_str()),
        ("PT413", "mutations_max=1000")
    );
    let batch =
        batch_with(|batch| batch["mutations"][0]["patch"]["title"] = json!("x".repeat(1_000_000)));
    let error = stage.caller.push_err(stage.device, &batch).await;
    assert_eq!(
        (error.code.as_str(), error.detail.as_str()),
        ("PT413", "batch_bytes_max=1000000")
    );
}

#[tokio::test]
async fn what_is_unknown_or_absent_but_optional_is_fine() {
    let stage = Stage::new().await;
    let batch = json!({ "v": 1, "future": { "x": [1] }, "mutations": [{ "seq": 1, "op": "insert", "table": "public.note",
        "key": { "id": uuid::Uuid::new_v4() }, "patch": {}, "comment": { "deep": [[[]]] } }] });
    let answer = stage
        .caller
        .push_text(stage.device, &batch.to_string())
        .await
        .unwrap();
    assert!(answer.contains("\"applied\""), "{answer}");
}
