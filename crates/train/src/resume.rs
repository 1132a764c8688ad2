//! Models that go on learning from further rows.

use offline_sync_model::models::Model;
use offline_sync_model::{Algorithm, Artifact, Feature};
use serde_json::{Map, json};

use crate::data::{Targets, TrainData};
use crate::error::TrainError;
use crate::limits::{Pulse, TrainLimits, Work};
use crate::matrix::Matrix;
use crate::run::Trained;
use crate::spec::Spec;
use crate::split::Split;
use crate::{features, ftrl, report};

/// Lets a model of FTRL learn from further rows; the report measures the model on them *before* it
/// learned from them.
///
/// # Errors
///
/// [`TrainError::NotIncremental`] for other models, [`TrainError::BadShape`] when the rows do not have
/// the model's features, [`TrainError::UnknownLabel`].
pub fn update(
    artifact: &[u8],
    data: &TrainData,
    limits: &TrainLimits,
    pulse: &mut dyn Pulse,
) -> Result<Trained, TrainError> {
    let artifact = Artifact::decode(artifact)?;
    let mut content = artifact.content().clone();
    let Model::Ftrl(state) = &mut content.model else {
        return Err(TrainError::NotIncremental {
            algorithm: content.algorithm.name(),
        });
    };
    let spec = spec_of(&content.features, content.algorithm);
    let mut work = Work::new(pulse, limits);
    data.check(&spec, limits)?;
    let targets = known_classes(data.targets(&spec, content.task)?, &content.labels)?;
    let rows = &targets.rows;
    if rows.is_empty() {
        return Err(TrainError::TooFewRows {
            found: 0,
            needed: 1,
        });
    }
    work.reserve(&[Matrix::bytes(rows.len(), artifact.columns())])?;
    let mut matrix = features::matrix(&content.features, data, rows, &mut work)?;
    features::standardize(&mut matrix, &features::scales(&content.features), &mut work)?;
    let classes = rows.iter().map(|row| targets.values[*row]);
    ftrl::learn(state, matrix.iter().zip(classes), &mut work)?;
    drop(matrix);
    let split = Split {
        train: rows.clone(),
        test: rows.clone(),
    };
    let (metrics, baseline) = report::measure(&artifact, data, &targets, &split, &mut work)?;
    let updated = Artifact::new(content)?;
    let bytes = updated.encode()?;
    let facts = report::Facts {
        artifact: &updated,
        given: data.rows,
        split: &Split {
            train: rows.clone(),
            test: vec![],
        },
        params: json!({}),
        details: Map::new(),
        warnings: vec![],
        artifact_bytes: bytes.len(),
    };
    Ok(Trained {
        report: report::render(facts, metrics, baseline),
        artifact: bytes,
        users: None,
    })
}

/// The specification that the features of a model came from.
fn spec_of(features: &[Feature], algorithm: Algorithm) -> Spec {
    let names = |kind: &str| {
        features
            .iter()
            .filter(|feature| feature.kind.name() == kind)
            .map(|feature| feature.name.clone())
            .collect()
    };
    Spec {
        algorithm,
        features: names("numeric"),
        categorical: names("categorical"),
        text: names("text"),
        test_share: 0.0,
        seed: 0,
        params: crate::spec::Params::default(),
    }
}

/// Classes renumbered as a model knows them.
fn known_classes(mut targets: Targets, labels: &[String]) -> Result<Targets, TrainError> {
    let place = |label: &String| {
        let place = labels.iter().position(|known| known == label);
        place
            .map(|place| place as f64)
            .ok_or_else(|| TrainError::UnknownLabel {
                label: label.clone(),
            })
    };
    let places = targets
        .labels
        .iter()
        .map(place)
        .collect::<Result<Vec<f64>, _>>()?;
    for row in &targets.rows {
        targets.values[*row] = places[targets.values[*row] as usize];
    }
    targets.labels = labels.to_vec();
    Ok(targets)
}
