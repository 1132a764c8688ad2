//! What holds for every model and every input.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod models;

use offline_sync_model::envelope::{open, seal};
use offline_sync_model::models::{Linear, Link, Model};
use offline_sync_model::rank::{Metric, top_k};
use offline_sync_model::summary::summarize;
use offline_sync_model::{Algorithm, Artifact, Content, ModelError, Task};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

fn artifact(index: usize) -> Artifact {
    let mut all = models::all();
    all.push(("vectors", models::vectors()));
    let count = all.len();
    Artifact::new(all.swap_remove(index % count).1).unwrap()
}

/// Puts the right hash in front of any content.
fn forge(content: &[u8]) -> Vec<u8> {
    let mut bytes = b"OSML\x01\x00".to_vec();
    bytes.extend_from_slice(&Sha256::digest(content));
    bytes.extend_from_slice(content);
    bytes
}

/// Asks a model for all that it can answer.
fn use_all(artifact: &Artifact) {
    let width = artifact.columns();
    for value in [0.0, f32::NAN, f32::MAX, f32::MIN, f32::INFINITY] {
        if let Ok(score) = artifact.score(&vec![value; width]) {
            assert!(!score.is_nan());
        }
    }
    let text = r#"{"note":"a 😀","title":"app","plan":"x","age":1e308,"f0":-1e308,"f1":null}"#;
    if let Ok(prediction) = artifact.predict_json(text) {
        assert!(!prediction.score.is_nan());
        if let Some(shares) = prediction.probabilities {
            let sum: f64 = shares.iter().map(|(_, share)| share).sum();
            assert!(
                shares.iter().all(|(_, share)| (0.0..=1.0).contains(share)),
                "{shares:?}"
            );
            assert!(sum.is_finite());
        }
    }
}

#[test]
fn an_artefact_reads_back_as_it_was_written() {
    for index in 0..21 {
        let artifact = artifact(index);
        let bytes = artifact.encode().unwrap();
        assert_eq!(Artifact::decode(&bytes).unwrap(), artifact);
        let envelope = seal(&bytes, &json!({"accuracy": 0.9})).unwrap();
        let opened = open(&Value::Object(envelope).to_string()).unwrap();
        assert_eq!(
            (opened.bytes, opened.metrics),
            (bytes, json!({"accuracy": 0.9}))
        );
    }
}

#[test]
fn every_byte_counts() {
    let bytes = artifact(0).encode().unwrap();
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        assert!(Artifact::decode(&other).is_err(), "byte {at}");
        assert!(Artifact::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Artifact::decode(&longer), Err(ModelError::HashMismatch));
    let mut content = bytes[38..].to_vec();
    content.push(0);
    let reason = "bytes follow the content";
    assert_eq!(
        Artifact::decode(&forge(&content)),
        Err(ModelError::BadArtifact { reason })
    );
}

#[test]
fn an_envelope_that_lies_is_refused() {
    let bytes = artifact(2).encode().unwrap();
    let envelope = seal(&bytes, &Value::Null).unwrap();
    let code = |key: &str, value: Value| {
        let mut changed = envelope.clone();
        changed.insert(key.into(), value);
        open(&Value::Object(changed).to_string())
            .unwrap_err()
            .sqlstate()
    };
    assert_eq!(code("sha256", json!("00")), "22P03");
    assert_eq!(code("algorithm", json!("forest")), "22023");
    assert_eq!(code("labels", json!(["yes", "no"])), "22023");
    assert_eq!(code("features", json!([])), "22023");
    assert_eq!(code("format", json!("other")), "22023");
    assert_eq!(code("format_version", json!(2)), "0A000");
    assert_eq!(code("artifact", json!("!")), "22023");
    assert_eq!(open("{").unwrap_err().sqlstate(), "22023");
}

#[test]
fn a_naive_sum_agrees() {
    let artifact = artifact(2);
    let content = artifact.content().clone();
    let Model::Linear(Linear {
        link: Link::Logistic,
        intercepts,
        weights,
    }) = content.model
    else {
        panic!("not logistic");
    };
    let row: Vec<f32> = (0..20).map(|index| index as f32 / 7.0 - 1.0).collect();
    let sum: f64 = row
        .iter()
        .zip(&weights)
        .map(|(value, weight)| f64::from(*value) * weight)
        .sum();
    let expected = 1.0 / (1.0 + (-(sum + intercepts[0])).exp());
    assert!((artifact.score(&row).unwrap() - expected).abs() < 1e-14);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let good = models::all().swap_remove(2).1;
    let change = |change: &dyn Fn(&mut Content)| {
        let mut content = good.clone();
        change(&mut content);
        Artifact::new(content).unwrap_err().sqlstate()
    };
    assert_eq!(
        change(&|content| content.algorithm = Algorithm::Forest),
        "22P03"
    );
    assert_eq!(change(&|content| content.task = Task::Regression), "22P03");
    assert_eq!(
        change(&|content| content.labels.push("third".into())),
        "22P03"
    );
    assert_eq!(change(&|content| content.labels[1] = "no".into()), "22P03");
    assert_eq!(
        change(&|content| content.features[1].name = "f0".into()),
        "22P03"
    );
    assert_eq!(
        change(&|content| content.features[1].name = "x".repeat(2_000)),
        "54000"
    );
    for bad in [f64::NAN, f64::INFINITY, 1e200] {
        let code = change(&|content| {
            if let Model::Linear(model) = &mut content.model {
                model.weights[3] = bad;
            }
        });
        assert_eq!(code, "22P03");
    }
}

#[test]
fn deep_json_is_an_error() {
    let deep = "[".repeat(100_000);
    assert!(
        artifact(15)
            .predict_json(&format!("{{\"age\":{deep}"))
            .is_err()
    );
    assert!(open(&deep).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A forger can always make the hash right: what is behind it must do no harm.
    #[test]
    fn forged_content_never_panics(
        index in 0usize..21,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut content = artifact(index).encode().unwrap()[38..].to_vec();
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        if let Some(cut) = cut {
            content.truncate(cut.index(content.len()));
        }
        if let Ok(artifact) = Artifact::decode(&forge(&content)) {
            use_all(&artifact);
        }
    }

    #[test]
    fn any_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Artifact::decode(&content).is_err());
        if let Ok(artifact) = Artifact::decode(&forge(&content)) {
            use_all(&artifact);
        }
    }

    /// Numbers that 32 bits hold give the same score as a vector and by name.
    #[test]
    fn score_is_predict_for_numbers(
        index in 0usize..15,
        row in prop::collection::vec(prop_oneof![
            any::<f32>().boxed(), (-20f32..20.0).boxed(), Just(f32::NAN).boxed()
        ], 20),
    ) {
        let artifact = artifact(index);
        let row = &row[..artifact.columns()];
        let names = artifact.content().features.iter().map(|feature| feature.name.clone());
        let object: Map<String, Value> = names.zip(row.iter().map(|value| json!(value))).collect();
        let score = artifact.score(row).unwrap();
        let prediction = artifact.predict(&object).unwrap();
        prop_assert_eq!(score.to_bits(), prediction.score.to_bits());
        prop_assert!(!score.is_nan());
        let many = artifact.predict_many(&json!([object, object]).to_string()).unwrap();
        prop_assert_eq!(&many, &vec![prediction.clone(), prediction]);
    }

    #[test]
    fn the_nearest_are_those_of_a_full_sort(
        vectors in prop::collection::vec(-2i8..3, 0..60),
        query in prop::collection::vec(-2i8..3, 3),
        count in 0usize..25,
    ) {
        let vectors: Vec<f32> = vectors.iter().map(|value| f32::from(*value)).collect();
        let query: Vec<f32> = query.iter().map(|value| f32::from(*value)).collect();
        let hits = top_k(&query, &vectors, 3, count, Metric::Dot).unwrap();
        let mut all: Vec<(f64, usize)> = vectors
            .chunks_exact(3)
            .enumerate()
            .map(|(index, vector)| {
                (vector.iter().zip(&query).map(|(a, b)| f64::from(a * b)).sum::<f64>() + 0.0, index)
            })
            .collect();
        all.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        all.truncate(count);
        let found: Vec<(f64, usize)> = hits.iter().map(|hit| (hit.score, hit.index)).collect();
        prop_assert_eq!(found.len(), all.len());
        for (found, expected) in found.iter().zip(&all) {
            prop_assert_eq!(found.1, expected.1);
            prop_assert!((found.0 - expected.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_summary_is_made_of_sentences_of_the_text(text in "\\PC{0,300}", count in 0usize..6) {
        let summary = summarize(&text, count);
        prop_assert!(summary.len() <= count);
        prop_assert!(summary.windows(2).all(|pair| pair[0].index < pair[1].index));
        prop_assert!(summary.iter().all(|sentence| text.contains(&sentence.text)));
    }
}
