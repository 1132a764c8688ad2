//! An older model asked about the rows that a new one was measured on, so that both are measured alike.

use offline_sync_model::Artifact;

use crate::data::TrainData;
use crate::error::TrainError;
use crate::limits::{Pulse, TrainLimits, Work};
use crate::report;
use crate::run::targets_and_split;
use crate::spec::Spec;

/// The primary metric of an artefact on the rows that a training by `spec` holds out of `data`; none where the artefact has
/// another task, other labels or other features than that training, or nothing is held out.
///
/// # Errors
///
/// As [`crate::train`].
pub fn value_on_hold_out(
    artifact: &Artifact,
    spec: &str,
    data: &TrainData,
    limits: &TrainLimits,
    pulse: &mut dyn Pulse,
) -> Result<Option<f64>, TrainError> {
    let mut spec = Spec::parse(spec)?;
    let mut work = Work::new(pulse, limits);
    data.check(&spec, limits)?;
    let task = spec.task(&data.labels)?;
    let content = artifact.content();
    if content.task != task || !has_features(artifact, &spec) {
        return Ok(None);
    }
    let (targets, split) = targets_and_split(&spec, task, data)?;
    if split.test.is_empty() || targets.labels != content.labels {
        return Ok(None);
    }
    let (metrics, _) = report::measure(artifact, data, &targets, &split, &mut work)?;
    Ok(metrics
        .get(report::primary(task))
        .and_then(serde_json::Value::as_f64))
}

/// Whether the features are those of the specification, kind by kind and in its order.
fn has_features(artifact: &Artifact, spec: &Spec) -> bool {
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
