//! The model that serves and a new one, asked about the same rows: those that neither was trained with.

use offline_sync_model::Artifact;
use serde_json::{Value, json};

use crate::data::{Targets, TrainData};
use crate::error::TrainError;
use crate::limits::Work;
use crate::report;
use crate::run::class;
use crate::spec::Spec;
use crate::split::Split;

/// A model that serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// The model.
    pub artifact: Artifact,
    /// [`Split::cuts`] of its training; none where it was trained with other rows altogether.
    pub cuts: Option<Vec<f64>>,
}

/// `{"value", "new_value", "rows"}`: the primary metric of both on the rows held out from both; `measured` is the new one's on its
/// whole hold-out. None where the serving model has
/// another task, other labels or other features, or nothing was held out from both.
pub(crate) fn side_by_side(
    serving: &Serving,
    (new, measured): (&Artifact, Option<f64>),
    spec: &Spec,
    data: &TrainData,
    targets: &Targets,
    split: &Split,
    work: &mut Work<'_>,
) -> Result<Option<Value>, TrainError> {
    let (content, task) = (serving.artifact.content(), new.content().task);
    if content.task != task
        || content.labels != targets.labels
        || !has_features(&serving.artifact, spec)
    {
        return Ok(None);
    }
    let held_out = |row: &usize| match &serving.cuts {
        None => true,
        Some(cuts) => cuts
            .get(class(targets, *row))
            .is_some_and(|cut| split.lots[*row] < *cut),
    };
    let common = Split {
        test: split.test.iter().copied().filter(held_out).collect(),
        train: split.train.clone(),
        ..Split::default()
    };
    if common.test.is_empty() {
        return Ok(None);
    }
    let mut value_of = |artifact: &Artifact| -> Result<Option<f64>, TrainError> {
        let (metrics, _) = report::measure(artifact, data, targets, &common, work)?;
        Ok(metrics.get(report::primary(task)).and_then(Value::as_f64))
    };
    let value = value_of(&serving.artifact)?;
    let new_value = if common.test.len() == split.test.len() {
        measured
    } else {
        value_of(new)?
    };
    let values = value.zip(new_value);
    Ok(values.map(|(value, new_value)| {
        json!({"value": value, "new_value": new_value, "rows": common.test.len()})
    }))
}

/// Whether the features are those of the specification, kind by kind and in its order.
pub(crate) fn has_features(artifact: &Artifact, spec: &Spec) -> bool {
    let features = &artifact.content().features;
    let of = |kind: &str| {
        features
            .iter()
            .filter(|f| f.kind.name() == kind)
            .map(|f| &f.name)
            .collect::<Vec<_>>()
    };
    [
        ("numeric", &spec.features),
        ("categorical", &spec.categorical),
        ("text", &spec.text),
    ]
    .into_iter()
    .all(|(kind, names)| of(kind) == names.iter().collect::<Vec<_>>())
}
