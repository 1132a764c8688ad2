//! The course of a training: check, split, fit the features, fit the model, measure.

use offline_sync_model::limits::INPUT_MAX;
use offline_sync_model::schema::columns;
use offline_sync_model::{Algorithm, Artifact, Content, Task};
use serde_json::{Map, Value};

use crate::compare::{Serving, side_by_side};
use crate::data::{Targets, TrainData};
use crate::error::TrainError;
use crate::features::{self, Fitted};
use crate::fit::Fitting;
use crate::limits::{Pulse, TrainLimits, Work};
use crate::lot::lots;
use crate::plan::plan;
use crate::spec::Spec;
use crate::split::{Split, grouped, stratified};
use crate::{recommend, report};

/// Fewest rows with a label that a model can come from.
pub const ROWS_MIN: usize = 4;

/// A finished training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The artefact's bytes.
    pub artifact: Vec<u8>,
    /// What was trained and how good it is; see `docs/models.md`.
    pub report: Value,
    /// Of recommendations: the names of the users, and their vectors one after the other.
    pub users: Option<(Vec<String>, Vec<f32>)>,
}

/// Trains a model from a specification (JSON) and rows.
///
/// # Errors
///
/// Any [`TrainError`]; nothing is kept of a training that fails.
pub fn train(
    spec: &str,
    data: &TrainData,
    limits: &TrainLimits,
    pulse: &mut dyn Pulse,
) -> Result<Trained, TrainError> {
    train_beside(None, spec, data, limits, pulse)
}

/// The same, and measures the model that serves beside the new one: `serving` in the report, where they can be compared.
///
/// # Errors
///
/// As [`train`].
pub fn train_beside(
    serving: Option<&Serving>,
    spec: &str,
    data: &TrainData,
    limits: &TrainLimits,
    pulse: &mut dyn Pulse,
) -> Result<Trained, TrainError> {
    let mut spec = Spec::parse(spec)?;
    let mut work = Work::new(pulse, limits);
    data.check(&spec, limits)?;
    if spec.algorithm == Algorithm::Vectors {
        return recommend::train(&mut spec, data, &mut work);
    }
    enough_rows(data.rows, ROWS_MIN)?;
    let task = spec.task(&data.labels)?;
    let (targets, split) = targets_and_split(&spec, task, data, &mut work)?;
    let (plan, encoding, params) = plan(&mut spec, task, split.train.len())?;
    let Fitted {
        features,
        mut warnings,
    } = features::fit(&spec, &encoding, data, &split.train, &mut work)?;
    if columns(&features) == 0 {
        return Err(TrainError::NoFeature);
    }
    work.reserve(&plan.memory(split.train.len(), columns(&features), targets.labels.len()))?;
    let mut matrix = features::matrix(&features, data, &split.train, &mut work)?;
    let values: Vec<f64> = split.train.iter().map(|row| targets.values[*row]).collect();
    let mut fitting = Fitting {
        spec: &spec,
        task,
        labels: targets.labels.len(),
        features: &features,
    };
    let (model, details) = fitting.fit(&plan, &mut matrix, &values, &mut warnings, &mut work)?;
    drop(matrix);
    let artifact = Artifact::new(Content {
        algorithm: spec.algorithm,
        task,
        labels: targets.labels.clone(),
        features,
        model,
    })?;
    let mut trained = finish(
        &artifact,
        data,
        &targets,
        &split,
        Extra {
            params,
            details,
            warnings,
        },
        &mut work,
    )?;
    if let Some(serving) = serving {
        let value = trained.report["primary"]["value"].as_f64();
        let new = (&artifact, value);
        let found = side_by_side(serving, new, &spec, data, &targets, &split, &mut work)?;
        if let Some(found) = found {
            trained.report["serving"] = found;
        }
    }
    Ok(trained)
}

/// The class of a row; 0 where there are none.
pub(crate) fn class(targets: &Targets, row: usize) -> usize {
    if targets.labels.is_empty() {
        0
    } else {
        targets.values[row] as usize
    }
}

/// The labels of the rows, and which rows are trained with and which held out.
fn targets_and_split(
    spec: &Spec,
    task: Task,
    data: &TrainData,
    work: &mut Work<'_>,
) -> Result<(Targets, Split), TrainError> {
    let targets = data.targets(spec, task)?;
    check_targets(spec, task, &targets)?;
    let lots = if spec.test_share > 0.0 {
        lots(data, work)?
    } else {
        vec![0.0; data.rows]
    };
    let class = |row: usize| class(&targets, row);
    let split = if data.groups.is_empty() {
        stratified(&targets.rows, class, spec.test_share, lots)
    } else {
        grouped(
            &targets.rows,
            class,
            targets.labels.len(),
            spec.test_share,
            lots,
        )
    };
    Ok((targets, split))
}

/// What a report says beside what was measured.
struct Extra {
    params: Value,
    details: Map<String, Value>,
    warnings: Vec<String>,
}

fn finish(
    artifact: &Artifact,
    data: &TrainData,
    targets: &Targets,
    split: &Split,
    extra: Extra,
    work: &mut Work<'_>,
) -> Result<Trained, TrainError> {
    let Extra {
        params,
        details,
        mut warnings,
    } = extra;
    let (metrics, baseline) = if split.test.is_empty() {
        warnings.push("no rows were held out: quality was not measured".to_string());
        (Map::new(), Map::new())
    } else {
        report::measure(artifact, data, targets, split, work)?
    };
    let bytes = artifact.encode()?;
    let facts = report::Facts {
        artifact,
        given: data.rows,
        split,
        params,
        details,
        warnings,
        artifact_bytes: bytes.len(),
    };
    Ok(Trained {
        report: report::render(facts, metrics, baseline),
        artifact: bytes,
        users: None,
    })
}

fn check_targets(spec: &Spec, task: Task, targets: &Targets) -> Result<(), TrainError> {
    enough_rows(targets.rows.len(), ROWS_MIN)?;
    if task == Task::Regression
        && let Some(row) = targets
            .rows
            .iter()
            .find(|row| targets.values[**row].abs() > INPUT_MAX)
    {
        return Err(TrainError::LabelTooLarge {
            label: targets.values[*row],
        });
    }
    if task == Task::Classification {
        match targets.labels.as_slice() {
            [] => {
                return Err(TrainError::NoLabel {
                    algorithm: spec.algorithm.name(),
                });
            }
            [label] => {
                return Err(TrainError::OneClass {
                    label: label.clone(),
                });
            }
            [_, _] => {}
            more if spec.algorithm == Algorithm::Ftrl => {
                return Err(TrainError::NotBinary {
                    algorithm: "ftrl",
                    found: more.len(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether there are rows enough.
pub(crate) fn enough_rows(found: usize, needed: usize) -> Result<(), TrainError> {
    if found < needed {
        Err(TrainError::TooFewRows { found, needed })
    } else {
        Ok(())
    }
}
