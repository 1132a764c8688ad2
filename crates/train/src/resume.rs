//! Models that go on learning from further rows.

use offline_sync_model::Artifact;
use offline_sync_model::models::Model;
use serde_json::{Map, json};

use crate::compare::has_features;
use crate::data::{Targets, TrainData};
use crate::error::TrainError;
use crate::limits::{Pulse, TrainLimits, Work};
use crate::matrix::Matrix;
use crate::run::{Trained, enough_rows};
use crate::spec::Spec;
use crate::split::Split;
use crate::{features, ftrl, report};

/// Lets a model of FTRL learn from further rows; the report measures the model on them *before* it
/// learned from them.
///
/// # Errors
///
/// [`TrainError::NotIncremental`] for other models, [`TrainError::OtherFeatures`] when the specification does not name the model's
/// features in their order, [`TrainError::UnknownLabel`].
pub fn update(
    artifact: &[u8],
    spec: &str,
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
    let spec = Spec::parse(spec)?;
    if !has_features(&artifact, &spec) {
        let names: Vec<&str> = content.features.iter().map(|f| f.name.as_str()).collect();
        return Err(TrainError::OtherFeatures {
            expected: names.join(", "),
        });
    }
    let mut work = Work::new(pulse, limits);
    data.check(&spec, limits)?;
    enough_rows(data.rows, 1)?;
    let targets = known_classes(data.targets(&spec, content.task)?, &content.labels)?;
    let rows = &targets.rows;
    enough_rows(rows.len(), 1)?;
    work.reserve(&[Matrix::bytes(rows.len(), artifact.columns())])?;
    let mut matrix = features::matrix(&content.features, data, rows, &mut work)?;
    features::standardize(&mut matrix, &features::scales(&content.features), &mut work)?;
    let classes = rows.iter().map(|row| targets.values[*row]);
    ftrl::learn(state, matrix.iter().zip(classes), &mut work)?;
    drop(matrix);
    let split = Split {
        train: rows.clone(),
        test: rows.clone(),
        ..Split::default()
    };
    let (metrics, baseline) = report::measure(&artifact, data, &targets, &split, &mut work)?;
    let updated = Artifact::new(content)?;
    let bytes = updated.encode()?;
    let facts = report::Facts {
        artifact: &updated,
        given: data.rows,
        split: &Split {
            train: rows.clone(),
            ..Split::default()
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
