//! Limits, bad specifications and difficult rows: an error with a code, or a model that answers.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sample;

use offline_sync_model::Artifact;
use offline_sync_train::{Cancelled, Labels, Pulse, TrainData, TrainError, TrainLimits, train};
use sample::{ALGORITHMS, Free, LIMITS, blobs, spec};
use serde_json::{Value, json};

fn error(spec: &Value, data: &TrainData) -> TrainError {
    train(&spec.to_string(), data, &LIMITS, &mut Free).unwrap_err()
}

#[test]
fn limits_are_kept() {
    let data = blobs(20_000, 4, 2, 10);
    let spec = spec("forest", 4, &json!({})).to_string();
    let code = |limits: TrainLimits, pulse: &mut dyn Pulse| {
        train(&spec, &data, &limits, pulse).unwrap_err()
    };
    let name = |error: TrainError| match error {
        TrainError::OverLimit { name, .. } => name,
        other => panic!("{other}"),
    };
    assert_eq!(
        name(code(
            TrainLimits {
                rows_max: 19_999,
                ..LIMITS
            },
            &mut Free
        )),
        "rows_max"
    );
    assert_eq!(
        name(code(
            TrainLimits {
                features_max: 3,
                ..LIMITS
            },
            &mut Free
        )),
        "features_max"
    );
    let memory = code(
        TrainLimits {
            memory_bytes_max: 100_000,
            ..LIMITS
        },
        &mut Free,
    );
    assert_eq!(name(memory), "memory_bytes_max");
    struct Late;
    impl Pulse for Late {
        fn beat(&mut self) -> Result<(), Cancelled> {
            Ok(())
        }
        fn seconds(&mut self) -> f64 {
            61.0
        }
    }
    assert_eq!(
        code(LIMITS, &mut Late),
        TrainError::OutOfTime { seconds: 60.0 }
    );
}

#[test]
fn bad_specifications_have_codes_and_hints() {
    let data = blobs(40, 2, 2, 11);
    let good = spec("logistic", 2, &json!({}));
    let with = |key: &str, value: Value| {
        let mut spec = good.clone();
        spec[key] = value;
        let error = error(&spec, &data);
        assert!(!error.hint().is_empty());
        error.sqlstate()
    };
    for (key, value) in [
        ("algorithm", json!("svm")),
        ("algorithm", json!("vectors")),
        ("algorithm", json!(5)),
        ("features", json!([])),
        ("features", json!(["a"])),
        ("test_share", json!(0.95)),
        ("test_share", json!(-1)),
        ("seed", json!("x")),
        ("params", json!({"l3": 1})),
        ("params", json!({"l2": -1})),
        ("params", json!({"l2": "x"})),
        ("params", json!({"max_iter": 1.5})),
        ("categorical", json!(["c"])),
    ] {
        assert_eq!(with(key, value.clone()), "22023", "{key} {value}");
    }
    assert_eq!(
        train("{", &data, &LIMITS, &mut Free)
            .unwrap_err()
            .sqlstate(),
        "22023"
    );
    assert_eq!(with("features", json!(["a", "a"])), "22P03");
}

#[test]
fn unfit_data_have_codes() {
    let good = blobs(40, 2, 2, 12);
    let logistic = spec("logistic", 2, &json!({}));
    let with = |change: &dyn Fn(&mut TrainData)| {
        let mut data = good.clone();
        change(&mut data);
        error(&logistic, &data)
    };
    let one = with(&|data| data.labels = Labels::Text(vec![Some("x".into()); 40]));
    assert_eq!(one, TrainError::OneClass { label: "x".into() });
    let none = with(&|data| data.labels = Labels::Text(vec![None; 40]));
    assert_eq!(
        none,
        TrainError::TooFewRows {
            found: 0,
            needed: 4
        }
    );
    assert_eq!(
        with(&|data| data.labels = Labels::None),
        TrainError::NoLabel {
            algorithm: "logistic"
        }
    );
    let missing = with(&|data| data.numeric.chunks_mut(2).for_each(|row| row[1] = f64::NAN));
    assert_eq!(
        missing,
        TrainError::AllMissing {
            feature: "f1".into()
        }
    );
    let many = with(&|data| {
        *data = blobs(2_000, 2, 2, 1);
        data.labels = Labels::Number((0..2_000).map(f64::from).collect());
    });
    assert_eq!(many.sqlstate(), "54000");
    assert_eq!(
        error(&spec("ftrl", 2, &json!({})), &blobs(60, 2, 3, 1)).sqlstate(),
        "22023"
    );
    assert_eq!(
        error(&spec("linear", 2, &json!({})), &good).sqlstate(),
        "22023"
    );
    assert_eq!(
        error(&spec("kmeans", 2, &json!({"clusters": 200})), &good).sqlstate(),
        "22023"
    );
    let mut negative = good.clone();
    negative.numeric[0] = -1e9;
    let seeds = spec("multinomial_nb", 2, &json!({}));
    let mut all = seeds.clone();
    all["test_share"] = json!(0);
    assert_eq!(error(&all, &negative).sqlstate(), "22023");
}

#[test]
fn constant_missing_and_huge_features_train() {
    let mut data = blobs(200, 4, 2, 13);
    for (index, row) in data.numeric.chunks_mut(4).enumerate() {
        row[1] = 5.0;
        row[2] = if index % 3 == 0 { f64::NAN } else { row[2] };
        row[3] = if index == 7 {
            1e300
        } else {
            row[3].abs() * 1e90
        };
    }
    for algorithm in ALGORITHMS {
        let trained = train(
            &spec(algorithm, 4, &json!({})).to_string(),
            &data,
            &LIMITS,
            &mut Free,
        );
        let trained = trained.unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        let warnings = trained.report["warnings"].to_string();
        assert!(
            warnings.contains("\\\"f1\\\" is constant"),
            "{algorithm}: {warnings}"
        );
        let artifact = Artifact::decode(&trained.artifact).unwrap();
        assert!(
            artifact
                .score(&[0.0, f32::NAN, f32::MAX, -1.0])
                .unwrap()
                .is_finite()
        );
    }
}

#[test]
fn rows_without_a_label_do_not_count() {
    let mut data = blobs(100, 2, 2, 14);
    if let Labels::Text(labels) = &mut data.labels {
        labels[..20].fill(None);
    }
    let report = train(
        &spec("tree", 2, &json!({})).to_string(),
        &data,
        &LIMITS,
        &mut Free,
    )
    .unwrap()
    .report;
    assert_eq!(report["rows"]["given"], json!(100));
    assert_eq!(report["rows"]["used"], json!(80));
    assert_eq!(report["rows"]["test"], json!(20));
}

#[test]
fn columns_that_others_determine_do_no_harm() {
    let mut data = blobs(200, 3, 2, 15);
    data.numeric
        .chunks_mut(3)
        .for_each(|row| row[2] = row[0] + 2.0 * row[1]);
    data.labels = Labels::Number(data.numeric.chunks(3).map(|row| row[2] + 1.0).collect());
    let report = train(
        &spec("linear", 3, &json!({})).to_string(),
        &data,
        &LIMITS,
        &mut Free,
    )
    .unwrap()
    .report;
    assert_eq!(report["details"]["columns_without_weight"], json!(1));
    assert!(report["metrics"]["r2"].as_f64().unwrap() > 0.999_999);
}
