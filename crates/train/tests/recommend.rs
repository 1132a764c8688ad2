//! Recommendations: what vectors learn, what is refused, and that nothing depends on chance.

use offline_sync_model::rank::Metric;
use offline_sync_model::{Artifact, Model};
use offline_sync_train::{
    Cancelled, Labels, Pulse, TrainData, TrainError, TrainLimits, Trained, train,
};

struct Always;

impl Pulse for Always {
    fn beat(&mut self) -> Result<(), Cancelled> {
        Ok(())
    }

    fn seconds(&mut self) -> f64 {
        0.0
    }
}

struct Never;

impl Pulse for Never {
    fn beat(&mut self) -> Result<(), Cancelled> {
        Err(Cancelled)
    }

    fn seconds(&mut self) -> f64 {
        0.0
    }
}

const LIMITS: TrainLimits = TrainLimits {
    rows_max: 1_000_000,
    features_max: 10,
    memory_bytes_max: 1 << 30,
    seconds_max: 60.0,
};

const SPEC: &str = r#"{"algorithm": "als", "features": ["weight"], "categorical": ["user", "item"],
    "test_share": 0.2, "params": {"factors": 4}}"#;

/// Two clubs: people of one meet the items of that club, most of them.
fn clubs(people: usize) -> TrainData {
    let mut data = TrainData {
        labels: Labels::None,
        ..TrainData::default()
    };
    for person in 0..people {
        for item in 0..10 {
            if (person * 7 + item * 3) % 5 != 0 {
                let club = person % 2;
                data.rows += 1;
                data.numeric.push(1.0 + (person % 3) as f64);
                data.categorical.push(Some(format!("person {person}")));
                data.categorical
                    .push(Some(format!("club {club} item {item}")));
            }
        }
    }
    data
}

fn fit(data: &TrainData) -> Result<Trained, TrainError> {
    train(SPEC, data, &LIMITS, &mut Always)
}

#[test]
fn people_are_recommended_what_their_club_likes() {
    let trained = fit(&clubs(40)).unwrap();
    let artifact = Artifact::decode(&trained.artifact).unwrap();
    let Model::Vectors(items) = &artifact.content().model else {
        panic!("vectors")
    };
    assert_eq!(items.ids.len(), 20);
    let (names, vectors) = trained.users.unwrap();
    assert_eq!(names.len() * 4, vectors.len());
    let person = names.iter().position(|name| name == "person 3").unwrap();
    let best = items
        .nearest(&vectors[person * 4..person * 4 + 4], 10, Metric::Dot)
        .unwrap();
    assert!(
        best.iter().all(|(item, _)| item.starts_with("club 1")),
        "{best:?}"
    );
    let alike = items
        .nearest(items.get("club 0 item 1").unwrap(), 10, Metric::Cosine)
        .unwrap();
    assert!(
        alike.iter().all(|(item, _)| item.starts_with("club 0")),
        "{alike:?}"
    );
}

#[test]
fn quality_is_measured_on_what_was_held_out_and_beats_popularity() {
    let report = fit(&clubs(40)).unwrap().report;
    let at = |kind: &str| report[kind]["ndcg_10"].as_f64().unwrap();
    assert!(at("metrics") > at("baseline") + 0.1, "{report}");
    assert!(report["rows"]["test"].as_u64().unwrap() > 30, "{report}");
}

/// Twenty groups of people with a hundred items of their own each; four of five pairs are with those.
fn sparse(people: usize) -> TrainData {
    let mut data = TrainData {
        labels: Labels::None,
        ..TrainData::default()
    };
    let mut rng = offline_sync_train::rng::Rng::new(3, 3);
    for person in 0..people {
        for pair in 0..15 {
            let item = if pair < 12 {
                person % 20 * 100 + rng.below(100)
            } else {
                rng.below(2_000)
            };
            data.rows += 1;
            data.categorical.push(Some(format!("person {person}")));
            data.categorical.push(Some(format!("item {item}")));
        }
    }
    data
}

fn fit_with(data: &TrainData, params: &str) -> Result<Trained, TrainError> {
    let spec = format!(
        r#"{{"algorithm": "als", "categorical": ["user", "item"], "test_share": 0.2, "params": {params}}}"#
    );
    train(&spec, data, &LIMITS, &mut Always)
}

#[test]
fn the_defaults_serve_sparse_data_as_dense() {
    let trained = fit_with(&sparse(600), "{}").unwrap();
    let at = |kind: &str| trained.report[kind]["ndcg_10"].as_f64().unwrap();
    assert!(at("metrics") > 5.0 * at("baseline"), "{}", trained.report);
    assert_eq!(trained.report["warnings"], serde_json::json!([]));
    let largest = |values: &[f32]| {
        values
            .iter()
            .fold(0.0_f32, |most, value| most.max(value.abs()))
    };
    assert!(largest(&trained.users.unwrap().1) > 0.1);
}

#[test]
fn vectors_that_vanish_are_an_error() {
    let answer = fit_with(&sparse(200), r#"{"regularization": 20}"#);
    assert_eq!(
        answer,
        Err(TrainError::Vanished {
            regularization: 20.0
        })
    );
    assert!(answer.unwrap_err().hint().contains("regularization"));
}

#[test]
fn what_is_no_better_than_popularity_is_said() {
    // Everyone meets what most meet, by lot: there is nothing to know of anybody.
    let mut data = sparse(0);
    let mut rng = offline_sync_train::rng::Rng::new(1, 1);
    for person in 0..200 {
        for _ in 0..8 {
            let item = rng.below(12) * rng.below(12);
            data.rows += 1;
            data.categorical.push(Some(format!("person {person}")));
            data.categorical.push(Some(format!("item {item}")));
        }
    }
    let report = fit_with(&data, r#"{"regularization": 0.01}"#)
        .unwrap()
        .report;
    assert!(
        report["warnings"][0]
            .as_str()
            .unwrap()
            .contains("not above"),
        "{report}"
    );
}

#[test]
fn the_unit_of_weights_does_not_matter() {
    let data = clubs(40);
    let mut cents = data.clone();
    cents
        .numeric
        .iter_mut()
        .for_each(|weight| *weight *= 1_024.0);
    assert_eq!(fit(&data).unwrap(), fit(&cents).unwrap());
}

#[test]
fn the_order_of_rows_does_not_matter_and_nothing_is_random() {
    let data = clubs(20);
    let mut reversed = data.clone();
    reversed.numeric.reverse();
    let pairs: Vec<_> = data
        .categorical
        .chunks(2)
        .rev()
        .flatten()
        .cloned()
        .collect();
    reversed.categorical = pairs;
    assert_eq!(fit(&data).unwrap(), fit(&reversed).unwrap());
}

#[test]
fn rows_without_user_item_or_weight_are_left_out_and_said() {
    let mut data = clubs(20);
    data.categorical[0] = None;
    data.categorical[3] = None;
    data.numeric[2] = f64::NAN;
    data.numeric[3] = -1.0;
    let report = fit(&data).unwrap().report;
    assert_eq!(report["rows"]["without_label"], 4);
    assert!(
        report["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("4 rows")
    );
}

#[test]
fn a_cancelled_training_stops() {
    assert_eq!(
        train(SPEC, &clubs(400), &LIMITS, &mut Never),
        Err(TrainError::Cancelled)
    );
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let none = TrainData {
        labels: Labels::None,
        ..TrainData::default()
    };
    assert!(matches!(
        fit(&none),
        Err(TrainError::TooFewRows { found: 0, .. })
    ));
    let spec = SPEC.replace(r#""factors": 4"#, r#""factors": 0"#);
    let answer = train(&spec, &clubs(20), &LIMITS, &mut Always);
    assert!(matches!(
        answer,
        Err(TrainError::BadParameter {
            name: "factors",
            ..
        })
    ));
    let spec = SPEC.replace("[\"user\", \"item\"]", "[\"user\"]");
    let data = TrainData {
        categorical: vec![Some("a".into())],
        numeric: vec![1.0],
        rows: 1,
        ..none
    };
    assert!(matches!(
        train(&spec, &data, &LIMITS, &mut Always),
        Err(TrainError::BadSpec { .. })
    ));
    let huge = TrainData {
        numeric: vec![f64::MAX; clubs(20).rows],
        ..clubs(20)
    };
    assert!(matches!(fit(&huge), Err(TrainError::NoSolution { .. })));
}
