//! Export as ONNX, for runtimes that know nothing of our artefacts.
//!
//! Linear, elastic net, logistic, tree and forest models over numbers and categories. Inputs are
//! `features` (float, rows × numeric features; NaN is missing) and, if there are any, `categories`
//! (string, rows × categorical features; the empty string is missing). Classifiers answer `label` and
//! `probabilities`, regressions `value`. Imputation, scaling and one-hot columns are part of the graph.
//!
//! The format's numbers are 32 bits wide: sums differ from ours in the seventh digit. Thresholds of trees
//! are rounded so that every 32-bit input takes the same way.

mod graph;
pub mod proto;
mod trees;

use offline_sync_model::models::{Linear, Model};
use offline_sync_model::{Algorithm, Artifact, FeatureKind, Task};
use prost::Message;

use crate::error::TrainError;
use graph::{Graph, floats, int, strings, text};
use proto::{ModelProto, OperatorSetIdProto};

/// Versions of the operators and of the file format that are used.
const OPSET: i64 = 17;
const OPSET_ML: i64 = 3;
const IR_VERSION: i64 = 8;

/// The bytes of an ONNX model that answers as the artefact does.
///
/// # Errors
///
/// [`TrainError::NotExportable`] for other algorithms and for text features.
pub fn to_onnx(artifact: &Artifact) -> Result<Vec<u8>, TrainError> {
    let content = artifact.content();
    let scaled = matches!(content.model, Model::Linear(_));
    let mut graph = Graph::default();
    let columns = graph.columns(&content.features, scaled)?;
    match (&content.model, content.algorithm) {
        (Model::Linear(model), Algorithm::Linear | Algorithm::ElasticNet | Algorithm::Logistic) => {
            linear(&mut graph, artifact, &scale_up(model, artifact), &columns)
        }
        (Model::Trees(model), Algorithm::Tree | Algorithm::Forest) => {
            trees::add(&mut graph, content, model, &columns);
        }
        _ => {
            return Err(TrainError::NotExportable {
                reason: "its algorithm has no counterpart",
            });
        }
    }
    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: domain.to_string(),
        version,
    };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "pg_offline_sync".to_string(),
        producer_version: env!("CARGO_PKG_VERSION").to_string(),
        graph: Some(graph.finish(content.task == Task::Classification, content.labels.len())),
        opset_import: vec![opset("", OPSET), opset("ai.onnx.ml", OPSET_ML)],
    };
    Ok(model.encode_to_vec())
}

/// Weights for scaled numbers: in 32 bits, sums over large means would lose what matters.
fn scale_up(model: &Linear, artifact: &Artifact) -> Linear {
    let mut scaled = model.clone();
    let columns = artifact.columns();
    let rows = scaled.weights.chunks_exact_mut(columns.max(1));
    for (weights, intercept) in rows.zip(&mut scaled.intercepts) {
        for (weight, feature) in weights.iter_mut().zip(&artifact.content().features) {
            // Numbers come first, so that up to the first other feature columns are features.
            let FeatureKind::Numeric { mean, scale } = feature.kind else {
                break;
            };
            *intercept += *weight * mean;
            *weight *= scale;
        }
    }
    scaled
}

fn linear(graph: &mut Graph, artifact: &Artifact, model: &Linear, columns: &str) {
    let content = artifact.content();
    if content.task == Task::Regression {
        let attributes = vec![
            floats("coefficients", &model.weights),
            floats("intercepts", &model.intercepts),
            int("targets", 1),
        ];
        graph.ml("LinearRegressor", &[columns], &["value"], attributes);
        return;
    }
    let (mut weights, mut intercepts) = (model.weights.clone(), model.intercepts.clone());
    if intercepts.len() == 1 {
        // Two rows that differ by the log-odds make softmax the logistic function.
        let halves = |values: &[f64]| -> Vec<f64> {
            let below = values.iter().map(|value| -value / 2.0);
            below
                .chain(values.iter().map(|value| value / 2.0))
                .collect()
        };
        weights = halves(&weights);
        intercepts = halves(&intercepts);
    }
    let attributes = vec![
        floats("coefficients", &weights),
        floats("intercepts", &intercepts),
        strings("classlabels_strings", &content.labels),
        text("post_transform", "SOFTMAX"),
        int("multi_class", 0),
    ];
    graph.ml(
        "LinearClassifier",
        &[columns],
        &["label", "probabilities"],
        attributes,
    );
}
