//! What holds for every training: determinism, cancelling, learning.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sample;

use offline_sync_model::Artifact;
use offline_sync_train::{Cancelled, Labels, Pulse, TrainData, TrainError, to_onnx, train, update};
use proptest::prelude::*;
use sample::{ALGORITHMS, Free, LIMITS, blobs, spec};
use serde_json::{Value, json};

/// Stops after a number of beats.
struct Stop {
    beats_left: usize,
}

impl Pulse for Stop {
    fn beat(&mut self) -> Result<(), Cancelled> {
        self.beats_left = self.beats_left.checked_sub(1).ok_or(Cancelled)?;
        Ok(())
    }

    fn seconds(&mut self) -> f64 {
        0.0
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let data = blobs(300, 4, 2, 7);
    for algorithm in ALGORITHMS {
        let spec = spec(algorithm, 4, &json!({})).to_string();
        let first = train(&spec, &data, &LIMITS, &mut Free).unwrap();
        assert_eq!(
            first,
            train(&spec, &data, &LIMITS, &mut Free).unwrap(),
            "{algorithm}"
        );
        assert!(Artifact::decode(&first.artifact).is_ok());
        assert!(first.report["artifact_bytes"] == json!(first.artifact.len()));
    }
}

#[test]
fn every_algorithm_beats_its_baseline() {
    let data = blobs(600, 4, 3, 8);
    for algorithm in [
        "logistic",
        "gaussian_nb",
        "multinomial_nb",
        "tree",
        "forest",
        "boosting",
    ] {
        let report = train(
            &spec(algorithm, 4, &json!({})).to_string(),
            &data,
            &LIMITS,
            &mut Free,
        )
        .unwrap()
        .report;
        let accuracy = |part: &str| report[part]["accuracy"].as_f64().unwrap();
        assert!(
            accuracy("metrics") > accuracy("baseline") + 0.3,
            "{algorithm}: {report}"
        );
    }
    for algorithm in ["linear", "elastic_net", "tree", "forest", "boosting"] {
        let mut data = data.clone();
        let target = data
            .numeric
            .chunks(4)
            .map(|row| 3.0 * row[0] - row[2])
            .collect();
        data.labels = Labels::Number(target);
        let params = if algorithm == "elastic_net" {
            json!({"alpha": 0.1})
        } else {
            json!({})
        };
        let report = train(
            &spec(algorithm, 4, &params).to_string(),
            &data,
            &LIMITS,
            &mut Free,
        )
        .unwrap()
        .report;
        assert!(
            report["metrics"]["r2"].as_f64().unwrap() > 0.8,
            "{algorithm}: {report}"
        );
    }
    let found = train(
        &spec("kmeans", 4, &json!({"clusters": 3})).to_string(),
        &data,
        &LIMITS,
        &mut Free,
    )
    .unwrap()
    .report;
    assert!(
        found["metrics"]["silhouette"].as_f64().unwrap() > 0.4,
        "{found}"
    );
    let found = train(
        &spec("pca", 4, &json!({"components": 4})).to_string(),
        &data,
        &LIMITS,
        &mut Free,
    )
    .unwrap()
    .report;
    assert!((found["metrics"]["explained_variance"].as_f64().unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn every_algorithm_can_be_cancelled_at_any_beat() {
    let data = blobs(20_000, 6, 2, 9);
    for algorithm in ALGORITHMS {
        let params = match algorithm {
            "forest" => json!({"trees": 3}),
            "boosting" => json!({"rounds": 3}),
            "kmeans" => json!({"clusters": 2, "runs": 1}),
            _ => json!({}),
        };
        let spec = spec(algorithm, 6, &params).to_string();
        let mut count = Stop {
            beats_left: usize::MAX,
        };
        train(&spec, &data, &LIMITS, &mut count).unwrap();
        let beats = usize::MAX - count.beats_left;
        for stop in [0, beats / 2, beats.saturating_sub(1)]
            .into_iter()
            .filter(|stop| *stop < beats)
        {
            let result = train(&spec, &data, &LIMITS, &mut Stop { beats_left: stop });
            assert_eq!(
                result,
                Err(TrainError::Cancelled),
                "{algorithm} at {stop} of {beats}"
            );
        }
        assert!(beats > 0, "{algorithm} never asks");
    }
}

#[test]
fn ftrl_goes_on_learning() {
    let half = blobs(2_000, 4, 2, 16);
    let first = train(
        &spec("ftrl", 4, &json!({"epochs": 1})).to_string(),
        &half,
        &LIMITS,
        &mut Free,
    )
    .unwrap();
    let mut flipped = half.clone();
    if let Labels::Text(labels) = &mut flipped.labels {
        labels.iter_mut().flatten().for_each(|label| {
            *label = if label == "c0" {
                "c1".into()
            } else {
                "c0".into()
            };
        });
    }
    let accuracy = |report: &Value| report["metrics"]["accuracy"].as_f64().unwrap();
    assert!(accuracy(&first.report) > 0.9);
    let ftrl = spec("ftrl", 4, &json!({})).to_string();
    let mut model = first.artifact;
    let mut seen = vec![];
    for _ in 0..30 {
        let next = update(&model, &ftrl, &flipped, &LIMITS, &mut Free).unwrap();
        seen.push(accuracy(&next.report));
        model = next.artifact;
    }
    assert!(seen[0] < 0.1 && seen[29] > 0.9, "{seen:?}");
    let tree = train(
        &spec("tree", 4, &json!({})).to_string(),
        &half,
        &LIMITS,
        &mut Free,
    )
    .unwrap();
    assert_eq!(
        update(&tree.artifact, &ftrl, &half, &LIMITS, &mut Free)
            .unwrap_err()
            .sqlstate(),
        "0A000"
    );
    assert_eq!(
        update(&model, &ftrl, &blobs(50, 4, 3, 1), &LIMITS, &mut Free)
            .unwrap_err()
            .sqlstate(),
        "22023"
    );
    assert_eq!(
        update(&model, &ftrl, &blobs(50, 3, 2, 1), &LIMITS, &mut Free)
            .unwrap_err()
            .sqlstate(),
        "22023"
    );
    assert_eq!(
        update(b"OSML", &ftrl, &half, &LIMITS, &mut Free)
            .unwrap_err()
            .sqlstate(),
        "22P03"
    );
}

#[test]
fn texts_and_categories_train() {
    let happy = ["love it 😀", "so good", "great app, love it", "很好"];
    let angry = ["hate it 😡", "so bad", "broken app, hate it", "很差"];
    let rows = 80;
    let text = |row: usize| {
        if row.is_multiple_of(2) {
            happy[row / 2 % 4]
        } else {
            angry[row / 2 % 4]
        }
    };
    let data = TrainData {
        rows,
        numeric: vec![],
        categorical: (0..rows)
            .map(|row| (row % 3 > 0).then(|| format!("v{}", row % 5)))
            .collect(),
        text: (0..rows).map(|row| Some(text(row).to_string())).collect(),
        labels: Labels::Text(
            (0..rows)
                .map(|row| Some(["good", "bad"][row % 2].into()))
                .collect(),
        ),
        ..TrainData::default()
    };
    for (algorithm, encoding) in [
        ("logistic", "tfidf"),
        ("logistic", "hashed"),
        ("multinomial_nb", "tfidf"),
        ("multinomial_nb", "hashed"),
        ("forest", "tfidf"),
        ("ftrl", "hashed"),
    ] {
        let spec = json!({"algorithm": algorithm, "categorical": ["kind"], "text": ["body"],
            "params": {"text_encoding": encoding, "text_columns": 256}});
        let trained = train(&spec.to_string(), &data, &LIMITS, &mut Free).unwrap();
        assert!(
            trained.report["metrics"]["accuracy"].as_f64().unwrap() > 0.95,
            "{algorithm} {encoding}: {}",
            trained.report
        );
        let artifact = Artifact::decode(&trained.artifact).unwrap();
        let said = artifact
            .predict_json(r#"{"kind": "new", "body": "LOVE it"}"#)
            .unwrap();
        assert_eq!(
            said.label.as_deref(),
            Some("good"),
            "{algorithm} {encoding}"
        );
        assert_eq!(to_onnx(&artifact).unwrap_err().sqlstate(), "0A000");
    }
}

#[test]
fn boosting_learns_from_thirty_rows_by_smaller_leaves() {
    let data = TrainData {
        rows: 30,
        numeric: (0..30).map(f64::from).collect(),
        labels: Labels::Text(
            (0..30)
                .map(|row| Some(["low", "high"][usize::from(row > 14)].into()))
                .collect(),
        ),
        ..TrainData::default()
    };
    let spec = spec("boosting", 1, &json!({})).to_string();
    let report = train(&spec, &data, &LIMITS, &mut Free).unwrap().report;
    assert!(
        report["params"]["min_leaf"].as_u64().unwrap() <= 3,
        "{report}"
    );
    assert!(
        report["metrics"]["accuracy"].as_f64().unwrap() > 0.85,
        "{report}"
    );
}

#[test]
fn rows_of_one_group_train_together_or_measure_together() {
    // A coin for each of 100 groups of six rows, which a number of the group gives away.
    let data = TrainData {
        rows: 600,
        numeric: (0..600).map(|row| f64::from(row / 6)).collect(),
        labels: Labels::Text(
            (0..600u64)
                .map(|row| {
                    Some(
                        ["heads", "tails"]
                            [(row / 6).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> 63]
                            .into(),
                    )
                })
                .collect(),
        ),
        groups: (0..600).map(|row| Some(format!("g{}", row / 6))).collect(),
        ..TrainData::default()
    };
    let alone = TrainData {
        groups: vec![],
        ..data.clone()
    };
    let spec = spec("forest", 1, &json!({"trees": 20, "task": "classification"})).to_string();
    let accuracy = |data: &TrainData| {
        let report = train(&spec, data, &LIMITS, &mut Free).unwrap().report;
        let share = report["rows"]["test"].as_f64().unwrap() / 600.0;
        assert!((share - 0.25).abs() < 0.02, "{report}");
        report["metrics"]["accuracy"].as_f64().unwrap()
    };
    assert!(accuracy(&alone) > 0.95, "what leaks");
    assert!(accuracy(&data) < 0.7, "a coin cannot be foreseen");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the rows, training ends with a model that answers or with an error that has a code.
    #[test]
    fn any_rows_train_or_fail_with_a_code(
        algorithm in prop::sample::select(&ALGORITHMS),
        rows in prop::collection::vec(
            (prop::collection::vec(prop_oneof![
                any::<f64>().boxed(), (-3f64..3.0).boxed(), Just(0.0).boxed()
            ], 3), 0u8..4), 0..40),
        share in 0.0f64..0.9,
    ) {
        let data = TrainData {
            rows: rows.len(),
            numeric: rows.iter().flat_map(|(row, _)| row.clone()).collect(),
            labels: Labels::Number(rows.iter().map(|(_, label)| f64::from(*label)).collect()),
            ..TrainData::default()
        };
        let mut spec = spec(algorithm, 3, &json!({}));
        spec["test_share"] = json!(share);
        match train(&spec.to_string(), &data, &LIMITS, &mut Free) {
            Ok(trained) => {
                let artifact = Artifact::decode(&trained.artifact).unwrap();
                prop_assert!(!artifact.score(&[0.5, f32::NAN, 1e30]).unwrap().is_nan());
                let repeated = train(&spec.to_string(), &data, &LIMITS, &mut Free).unwrap();
                prop_assert_eq!(trained, repeated);
            }
            Err(error) => {
                prop_assert_eq!(error.sqlstate().len(), 5);
                prop_assert!(!error.hint().is_empty() && !error.to_string().is_empty());
            }
        }
    }

    /// Rows in another order: the same seed still gives one result.
    #[test]
    fn a_permutation_is_as_deterministic(seed in any::<u64>(), turn in 0usize..120) {
        let data = turned(turn);
        let spec = seeded_forest(seed);
        let first = train(&spec, &data, &LIMITS, &mut Free).unwrap();
        prop_assert_eq!(first, train(&spec, &data, &LIMITS, &mut Free).unwrap());
    }
}

/// 30 hold-out rows of one seed say little (seed 656, turned by 16, has 5 of them wrong): what a
/// bar can be set to is the mean of many seeds and orders, and these are always the same ones.
#[test]
fn rows_in_another_order_train_an_equally_good_forest() {
    let mean = |turn: fn(usize) -> usize| {
        let accuracy = |round: usize| {
            let spec = seeded_forest(round as u64);
            let trained = train(&spec, &turned(turn(round)), &LIMITS, &mut Free).unwrap();
            trained.report["metrics"]["accuracy"].as_f64().unwrap()
        };
        (0..100).map(accuracy).sum::<f64>() / 100.0
    };
    let (as_given, in_turn) = (mean(|_| 0), mean(|round| 1 + round * 37 % 119));
    assert!(as_given > 0.96, "{as_given}");
    assert!((as_given - in_turn).abs() < 0.02, "{as_given} {in_turn}");
}

/// Two classes, whose 120 rows begin `turn` rows further on.
fn turned(turn: usize) -> TrainData {
    let mut data = blobs(120, 2, 2, 17);
    data.numeric.rotate_left(turn * 2);
    if let Labels::Text(labels) = &mut data.labels {
        labels.rotate_left(turn);
    }
    data
}

fn seeded_forest(seed: u64) -> String {
    let mut spec = spec("forest", 2, &json!({"trees": 10}));
    spec["seed"] = json!(seed);
    spec.to_string()
}
