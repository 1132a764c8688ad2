//! Our own algorithms against linfa's, and exports decoded again.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sample;

use linfa::prelude::*;
use linfa_bayes::GaussianNb;
use linfa_elasticnet::ElasticNet;
use linfa_linear::LinearRegression;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use offline_sync_model::models::Model;
use offline_sync_model::{Artifact, FeatureKind};
use offline_sync_train::onnx::proto::ModelProto;
use offline_sync_train::{Labels, TrainData, to_onnx, train};
use prost::Message;
use sample::{Free, LIMITS, blobs, spec};
use serde_json::{Value, json};

fn fit(algorithm: &str, data: &TrainData, params: Value) -> Artifact {
    let width = data.numeric.len() / data.rows;
    let mut spec = spec(algorithm, width, &params);
    spec["test_share"] = json!(0);
    let trained = train(&spec.to_string(), data, &LIMITS, &mut Free).unwrap();
    Artifact::decode(&trained.artifact).unwrap()
}

fn records(data: &TrainData) -> Array2<f64> {
    let width = data.numeric.len() / data.rows;
    Array2::from_shape_vec((data.rows, width), data.numeric.clone()).unwrap()
}

/// The columns with mean 0 and deviation 1, as the artefact's features say.
fn scaled(data: &TrainData, artifact: &Artifact) -> Array2<f64> {
    let mut records = records(data);
    for (mut column, feature) in records
        .columns_mut()
        .into_iter()
        .zip(&artifact.content().features)
    {
        if let FeatureKind::Numeric { mean, scale } = feature.kind {
            column.mapv_inplace(|value| (value - mean) / scale);
        }
    }
    records
}

fn classes(data: &TrainData) -> Array1<usize> {
    let Labels::Text(labels) = &data.labels else {
        panic!("no labels")
    };
    labels
        .iter()
        .map(|label| usize::from(label.as_deref() == Some("c1")))
        .collect()
}

/// A target that the columns explain only in part.
fn with_target(mut data: TrainData) -> (TrainData, Array1<f64>) {
    let width = data.numeric.len() / data.rows;
    let target: Array1<f64> = data
        .numeric
        .chunks(width)
        .map(|row| 2.0 * row[0] - row[1] + (row[2] * 3.0).sin())
        .collect();
    data.labels = Labels::Number(target.to_vec());
    (data, target)
}

fn score(artifact: &Artifact, row: &[f64]) -> f64 {
    artifact.score_columns(row).unwrap()
}

#[test]
fn logistic_regression_agrees_with_linfa() {
    let mut data = blobs(500, 4, 2, 1);
    // Classes that overlap, so that the weights are not the penalty's alone.
    data.numeric
        .iter_mut()
        .enumerate()
        .for_each(|(index, value)| *value += (index % 7) as f64 * 2.0);
    let artifact = fit(
        "logistic",
        &data,
        json!({"tolerance": 1e-10, "max_iter": 1000}),
    );
    let scaled = scaled(&data, &artifact);
    let dataset = Dataset::new(scaled.clone(), classes(&data));
    let model = LogisticRegression::default()
        .alpha(1.0)
        .gradient_tolerance(1e-8)
        .max_iterations(1_000)
        .fit(&dataset)
        .unwrap();
    let shares = model.predict_probabilities(&scaled);
    for (row, share) in data.numeric.chunks(4).zip(&shares) {
        // linfa counts for the more frequent class, or the first seen one of two equally frequent.
        let ours = score(&artifact, row);
        let difference = (ours - share).abs().min((1.0 - ours - share).abs());
        assert!(difference < 1e-6, "{ours} {share}");
    }
}

#[test]
fn gaussian_naive_bayes_agrees_with_linfa() {
    let data = blobs(400, 4, 2, 2);
    let artifact = fit("gaussian_nb", &data, json!({}));
    let dataset = Dataset::new(records(&data), classes(&data));
    let said = GaussianNb::params()
        .fit(&dataset)
        .unwrap()
        .predict(&dataset);
    for (row, said) in data.numeric.chunks(4).zip(&said) {
        assert_eq!(score(&artifact, row) > 0.5, *said == 1);
    }
}

#[test]
fn least_squares_on_the_factor_are_least_squares_on_the_rows() {
    let (data, target) = with_target(blobs(300, 4, 2, 3));
    let artifact = fit("linear", &data, json!({}));
    let dataset = Dataset::new(records(&data), target);
    let model = LinearRegression::new().fit(&dataset).unwrap();
    for (row, said) in data.numeric.chunks(4).zip(&model.predict(&dataset)) {
        assert!((score(&artifact, row) - said).abs() < 1e-9);
    }
}

#[test]
fn the_elastic_net_on_the_factor_is_the_elastic_net_on_the_rows() {
    let (data, target) = with_target(blobs(300, 4, 2, 4));
    let artifact = fit(
        "elastic_net",
        &data,
        json!({"alpha": 0.3, "tolerance": 1e-10}),
    );
    let scaled = scaled(&data, &artifact);
    let dataset = Dataset::new(scaled.clone(), target);
    let model = ElasticNet::params()
        .penalty(0.3)
        .l1_ratio(0.5)
        .tolerance(1e-10)
        .max_iterations(10_000)
        .fit(&dataset)
        .unwrap();
    for (row, said) in data.numeric.chunks(4).zip(&model.predict(&scaled)) {
        assert!((score(&artifact, row) - said).abs() < 1e-6);
    }
}

#[test]
fn components_are_orthogonal_and_sorted() {
    let artifact = fit("pca", &blobs(300, 5, 2, 5), json!({"components": 5}));
    let Model::Linear(model) = &artifact.content().model else {
        panic!("not linear")
    };
    let scales: Vec<f64> = artifact
        .content()
        .features
        .iter()
        .map(|feature| match feature.kind {
            FeatureKind::Numeric { scale, .. } => scale,
            _ => 1.0,
        })
        .collect();
    let rows: Vec<Vec<f64>> = model
        .weights
        .chunks(5)
        .map(|row| {
            row.iter()
                .zip(&scales)
                .map(|(weight, scale)| weight * scale)
                .collect()
        })
        .collect();
    for (left, one) in rows.iter().enumerate() {
        for (right, other) in rows.iter().enumerate() {
            let dot: f64 = one.iter().zip(other).map(|(a, b)| a * b).sum();
            assert!((dot - f64::from(u8::from(left == right))).abs() < 1e-9);
        }
    }
}

#[test]
fn an_exact_tree_repeats_its_training_rows() {
    let data = blobs(250, 3, 2, 6);
    let artifact = fit("tree", &data, json!({"max_depth": 64}));
    for (row, class) in data.numeric.chunks(3).zip(&classes(&data)) {
        assert_eq!(score(&artifact, row), *class as f64);
    }
}

#[test]
fn exports_decode_again() {
    let data = blobs(200, 3, 2, 7);
    let (numbers, _) = with_target(blobs(200, 3, 2, 7));
    for (algorithm, data, operator) in [
        ("logistic", &data, "LinearClassifier"),
        ("tree", &data, "TreeEnsembleRegressor"),
        ("forest", &data, "TreeEnsembleRegressor"),
        ("linear", &numbers, "LinearRegressor"),
        ("elastic_net", &numbers, "LinearRegressor"),
        ("forest", &numbers, "TreeEnsembleRegressor"),
    ] {
        let artifact = fit(algorithm, data, json!({}));
        let bytes = to_onnx(&artifact).unwrap();
        let model = ModelProto::decode(bytes.as_slice()).unwrap();
        let graph = model.graph.unwrap();
        let operators: Vec<&str> = graph
            .node
            .iter()
            .map(|node| node.op_type.as_str())
            .collect();
        assert_eq!(operators[0], "Imputer");
        assert!(operators.contains(&operator), "{algorithm}: {operators:?}");
        assert_eq!(graph.input[0].name, "features");
        let outputs: Vec<&str> = graph
            .output
            .iter()
            .map(|output| output.name.as_str())
            .collect();
        let classifier = matches!(data.labels, Labels::Text(_));
        assert_eq!(
            outputs,
            if classifier {
                vec!["label", "probabilities"]
            } else {
                vec!["value"]
            }
        );
    }
    for algorithm in ["boosting", "gaussian_nb", "ftrl"] {
        assert_eq!(
            to_onnx(&fit(algorithm, &data, json!({})))
                .unwrap_err()
                .sqlstate(),
            "0A000"
        );
    }
}
