//! Every case of `testdata/model-vectors` gives the bits that it says.
//!
//! `WRITE_MODEL_VECTORS=1 cargo test -p offline_sync_model --test vectors` writes them anew, after a
//! change that is meant to change scores.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod models;

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offline_sync_model::models::Model;
use offline_sync_model::rank::Metric;
use offline_sync_model::summary::summarize;
use offline_sync_model::{Artifact, ModelError, Prediction};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/model-vectors")
}

fn hex(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

/// Rows of numbers, as JSON text; null is a missing value.
fn number_rows(width: usize) -> Vec<(&'static str, String)> {
    let list = |value: &str| format!("[{}]", vec![value; width].join(","));
    let spread: Vec<String> = models::Numbers(41)
        .many(width)
        .iter()
        .map(|value| format!("{:.3}", value * 12.0))
        .collect();
    let holes: Vec<String> = spread
        .iter()
        .enumerate()
        .map(|(index, value)| {
            if index % 2 == 0 {
                "null".to_string()
            } else {
                value.clone()
            }
        })
        .collect();
    vec![
        ("zeros", list("0")),
        ("ones", list("1")),
        ("spread", format!("[{}]", spread.join(","))),
        ("every_second_missing", format!("[{}]", holes.join(","))),
        ("all_missing", list("null")),
        ("huge", list("3.4028234e38")),
        ("huge_negative", list("-3.4028234e38")),
        ("sevenths", list("0.14285714285714285")),
        ("tiny", list("1e-45")),
        ("negative_zero", list("-0.0")),
        ("too_few", "[1]".to_string()),
    ]
}

/// Rows by feature name, as JSON text.
fn object_rows() -> Vec<(&'static str, String)> {
    let rows = [
        ("nothing_given", json!({})),
        (
            "nulls",
            json!({"age": null, "plan": null, "note": null, "title": null}),
        ),
        (
            "plain",
            json!({"age": 20, "plan": "pro", "note": "the app is good", "title": "love the app"}),
        ),
        (
            "unknown_category",
            json!({"age": 20, "plan": "gold", "title": "app"}),
        ),
        (
            "number_and_boolean_category",
            json!({"plan": 1, "age": true}),
        ),
        ("boolean_category", json!({"plan": true})),
        (
            "empty_strings",
            json!({"plan": "", "note": "", "title": "   "}),
        ),
        (
            "emoji",
            json!({"note": "😀😀 ❤️ great 👩‍👩‍👧", "title": "😀 😀 ❤️"}),
        ),
        ("chinese", json!({"note": "很好的应用", "title": "很好"})),
        (
            "case_and_accents",
            json!({"note": "ÉCOLE École école İstanbul ß", "title": "LOVE Love"}),
        ),
        (
            "long_text",
            json!({"note": "word ".repeat(300), "title": "crash again ".repeat(200)}),
        ),
        ("one_long_word", json!({"note": "x".repeat(2_000)})),
        ("other_keys", json!({"age": 1, "unknown": {"deep": [1, 2]}})),
        (
            "punctuation",
            json!({"note": "?!… — ,,, ()", "title": "app, app; app!"}),
        ),
        ("wrong_type", json!({"age": "twenty"})),
        ("wrong_type_of_text", json!({"note": 5})),
        ("wrong_type_of_category", json!({"plan": []})),
    ];
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|(name, row)| (name, row.to_string()))
        .collect();
    rows.push(("huge_number", r#"{"age":1e308}"#.to_string()));
    rows.push(("number_beyond_doubles", r#"{"age":1e400}"#.to_string()));
    rows.push((
        "exact_decimal",
        r#"{"age":0.1234567890123456789}"#.to_string(),
    ));
    rows.push(("not_an_object", "[1]".to_string()));
    rows
}

fn answer(result: Result<Prediction, ModelError>) -> Value {
    match result {
        Err(error) => json!({"error": error.sqlstate()}),
        Ok(prediction) => json!({
            "score": hex(prediction.score),
            "label": prediction.to_json()["label"],
            "probabilities": prediction.probabilities.map(|pairs| {
                pairs.iter().map(|(_, share)| hex(*share)).collect::<Vec<_>>()
            }),
            "components": prediction.components.map(|values| {
                values.iter().map(|value| hex(*value)).collect::<Vec<_>>()
            }),
        }),
    }
}

/// What the code answers to the `in` of a case.
fn run(artifact: Option<&Artifact>, case: &Value) -> Value {
    let input = &case["in"];
    let text = |key: &str| input[key].as_str().unwrap_or_default();
    match (case["fn"].as_str().unwrap_or_default(), artifact) {
        ("score", Some(artifact)) => {
            let row: Vec<Option<f32>> = serde_json::from_str(text("vector")).unwrap();
            let row: Vec<f32> = row
                .into_iter()
                .map(|value| value.unwrap_or(f32::NAN))
                .collect();
            match artifact.score(&row) {
                Ok(score) => json!({"score": hex(score)}),
                Err(error) => json!({"error": error.sqlstate()}),
            }
        }
        ("predict", Some(artifact)) => answer(artifact.predict_json(text("features"))),
        ("nearest", Some(artifact)) => {
            let Model::Vectors(vectors) = &artifact.content().model else {
                return Value::Null;
            };
            let metric = if text("metric") == "dot" {
                Metric::Dot
            } else {
                Metric::Cosine
            };
            let query: Vec<f32> = serde_json::from_str(text("query")).unwrap();
            let count = input["count"].as_u64().unwrap() as usize;
            match vectors.nearest(&query, count, metric) {
                Ok(hits) => hits
                    .iter()
                    .map(|(id, score)| json!([id, hex(*score)]))
                    .collect(),
                Err(error) => json!({"error": error.sqlstate()}),
            }
        }
        ("summarize", None) => {
            let count = input["sentences"].as_u64().unwrap() as usize;
            summarize(text("text"), count)
                .iter()
                .map(|sentence| json!([sentence.index, sentence.text, hex(sentence.score)]))
                .collect()
        }
        (name, _) => panic!("no function {name}"),
    }
}

fn cases() -> Vec<(String, Option<Artifact>, Vec<Value>)> {
    let mut files = vec![];
    for (name, content) in models::all() {
        let artifact = Artifact::new(content).unwrap();
        let mut cases = vec![];
        if artifact.is_numeric() {
            for (row, vector) in number_rows(artifact.columns()) {
                cases.push(json!({"name": row, "fn": "score", "in": {"vector": vector}}));
            }
            let names = artifact
                .content()
                .features
                .iter()
                .map(|feature| feature.name.clone());
            let row: serde_json::Map<_, _> =
                names.zip((0..).map(|n| json!(n as f64 / 3.0))).collect();
            let features = Value::Object(row).to_string();
            cases.push(json!({"name": "by_name", "fn": "predict", "in": {"features": features}}));
        } else {
            for (row, features) in object_rows() {
                cases.push(json!({"name": row, "fn": "predict", "in": {"features": features}}));
            }
            cases.push(json!({"name": "refused", "fn": "score", "in": {"vector": "[1]"}}));
        }
        files.push((name.to_string(), Some(artifact), cases));
    }
    let query = "[1,0.5,-0.25,0,0.1,0.2,0.3,-1]";
    let nearest = |name: &str, query: &str, count: u32, metric: &str| json!({"name": name, "fn": "nearest", "in": {"query": query, "count": count, "metric": metric}});
    let vectors = vec![
        nearest("by_dot", query, 5, "dot"),
        nearest("by_cosine", query, 5, "cosine"),
        nearest("more_than_there_are", query, 100, "dot"),
        nearest("none", query, 0, "dot"),
        nearest("zero_query", "[0,0,0,0,0,0,0,0]", 3, "cosine"),
        nearest("wrong_length", "[1]", 3, "dot"),
    ];
    files.push((
        "vectors".into(),
        Some(Artifact::new(models::vectors()).unwrap()),
        vectors,
    ));
    files.push(("summaries".into(), None, summaries()));
    files
}

fn summaries() -> Vec<Value> {
    let story = "The harbour was quiet. Boats lay at the harbour wall. A storm had been forecast for the \
        harbour. Nobody believed the forecast. At night the storm came! The boats at the harbour wall broke \
        loose. In the morning nothing was left of the boats. People said that the storm had surprised them.";
    let case = |name: &str, text: &str, sentences: u32| json!({"name": name, "fn": "summarize", "in": {"text": text, "sentences": sentences}});
    vec![
        case("story", story, 2),
        case("more_than_there_are", story, 50),
        case("none_wanted", story, 0),
        case("empty", "", 3),
        case("space", " \n\t ", 3),
        case("emoji", "😀😀😀. ❤️! Great app 😀. Bad app 😡.", 2),
        case(
            "chinese",
            "今天天气很好。我们去公园。公园里有很多人。天气真好。",
            2,
        ),
        case("repetition", &"Same thing again. ".repeat(60), 3),
        case("no_words", "... !!! ???", 1),
    ]
}

#[test]
fn every_case_gives_its_bits() {
    let mut count = 0;
    let write = std::env::var_os("WRITE_MODEL_VECTORS").is_some();
    let mut written = BTreeSet::new();
    for (name, artifact, mut cases) in cases() {
        let path = folder().join(format!("{name}.json"));
        written.insert(format!("{name}.json"));
        if write {
            for case in &mut cases {
                case["out"] = run(artifact.as_ref(), case);
            }
            let bytes = artifact
                .as_ref()
                .map(|artifact| STANDARD.encode(artifact.encode().unwrap()));
            let document = json!({"artifact": bytes, "cases": cases});
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, format!("{document:#}\n")).unwrap();
        }
        let document: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let stored = document["artifact"].as_str().map(|text| {
            let bytes = STANDARD.decode(text).unwrap();
            let artifact = Artifact::decode(&bytes).unwrap();
            assert_eq!(
                artifact.encode().unwrap(),
                bytes,
                "{name}: written as it was read"
            );
            artifact
        });
        let known = document["cases"].as_array().unwrap();
        assert_eq!(known.len(), cases.len(), "{name}: write the vectors anew");
        for case in known {
            assert_eq!(
                run(stored.as_ref(), case),
                case["out"],
                "{name}: {}",
                case["name"]
            );
            count += 1;
        }
    }
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name());
    let files: BTreeSet<String> = files
        .map(|name| name.into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(files, written, "every file is run");
    assert!(count >= 100, "only {count} cases");
}
