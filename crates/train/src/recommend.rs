//! The training of recommendations: measured on what was held out, then fitted to everything.

use offline_sync_model::envelope::describe;
use offline_sync_model::models::{Model, Vectors};
use offline_sync_model::{Algorithm, Artifact, Content, Task};
use serde_json::{Value, json};

use crate::als::{self, Factors, Settings};
use crate::data::TrainData;
use crate::error::TrainError;
use crate::feedback::{Feedback, ndcg, popularity_ndcg};
use crate::limits::Work;
use crate::run::{ROWS_MIN, Trained};
use crate::spec::Spec;

/// The metric of recommendations; larger is better.
pub(crate) const METRIC: &str = "ndcg_10";

/// Trains vectors of items, which are the artefact, and of users, which stay with the server.
///
/// `spec.categorical` names the columns of users and items, `spec.features` that of weights, if there is one.
pub(crate) fn train(
    spec: &mut Spec,
    data: &TrainData,
    work: &mut Work<'_>,
) -> Result<Trained, TrainError> {
    if spec.categorical.len() != 2 || spec.features.len() > 1 || !spec.text.is_empty() {
        let reason = "als takes a user, an item and at most one weight".to_string();
        return Err(TrainError::BadSpec { reason });
    }
    let settings = Settings::of(&mut spec.params)?;
    let params = spec.params.finish()?;
    work.reserve(&[data.rows.saturating_mul(64)])?;
    let feedback = Feedback::read(data, !spec.features.is_empty(), work)?;
    let pairs = feedback.links.len();
    if pairs < ROWS_MIN || feedback.items.len() < 2 {
        return Err(TrainError::TooFewRows {
            found: pairs,
            needed: ROWS_MIN,
        });
    }
    let (train, held) = feedback.split(spec.test_share, spec.seed);
    let mut warnings = vec![];
    let (mut metrics, mut baseline) = (json!({}), json!({}));
    if held.len() == 0 {
        warnings.push("no rows were held out: quality was not measured".to_string());
    } else {
        let fitted = als::fit(&train, &settings, spec.seed, work)?;
        let (users, items) = (narrow(&fitted.users), narrow(&fitted.items));
        let found = ndcg(&train.links, &held, &users, &items, settings.factors, work)?;
        let popular = popularity_ndcg(&train.links, &held, feedback.items.len(), work)?;
        metrics[METRIC] = json!(found);
        baseline[METRIC] = json!(popular);
        if found <= popular {
            warnings.push(format!(
                "{METRIC} on the hold-out, {found:.4}, is not above that of recommending what most users met, {popular:.4}"
            ));
        }
    }
    if feedback.skipped > 0 {
        let skipped = feedback.skipped;
        warnings.push(format!(
            "{skipped} rows have no user, no item or no positive weight"
        ));
    }
    let fitted = als::fit(&feedback, &settings, spec.seed, work)?;
    if fitted.vanished() {
        return Err(TrainError::Vanished {
            regularization: settings.regularization,
        });
    }
    let artifact = artifact(&feedback, &fitted, &settings)?;
    let bytes = artifact.encode()?;
    let mut report = describe(artifact.content());
    let value = metrics.get(METRIC).cloned().unwrap_or(Value::Null);
    let (skipped, test) = (feedback.skipped, held.len());
    for (name, value) in [
        ("primary", json!({"name": METRIC, "value": value})),
        ("metrics", metrics),
        ("baseline", baseline),
        (
            "rows",
            json!({
                "given": data.rows,
                "used": data.rows - skipped,
                "train": pairs - test,
                "test": test,
                "without_label": skipped,
            }),
        ),
        ("params", params),
        (
            "details",
            json!({
                "users": feedback.users.len(),
                "items": feedback.items.len(),
                "pairs": pairs,
            }),
        ),
        ("warnings", json!(warnings)),
        ("artifact_bytes", json!(bytes.len())),
    ] {
        report.insert(name.into(), value);
    }
    Ok(Trained {
        artifact: bytes,
        report: Value::Object(report),
        users: Some((feedback.users, narrow(&fitted.users))),
    })
}

fn artifact(
    feedback: &Feedback,
    fitted: &Factors,
    settings: &Settings,
) -> Result<Artifact, TrainError> {
    Ok(Artifact::new(Content {
        algorithm: Algorithm::Vectors,
        task: Task::Retrieval,
        labels: vec![],
        features: vec![],
        model: Model::Vectors(Vectors {
            dimensions: settings.factors as u32,
            ids: feedback.items.clone(),
            data: narrow(&fitted.items),
        }),
    })?)
}

/// Half the bytes, and more digits than the data have.
fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
