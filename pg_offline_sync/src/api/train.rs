//! Training: rows of the database as arrays → artefact and report, beside the backend's thread.

use offline_sync_model::Artifact;
use offline_sync_model::row::category;
use offline_sync_train::{Cancelled, Labels, Pulse, Serving, TrainData, TrainError, TrainLimits};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::internal_error;
use crate::model::beside::{self, Fault, Stop};
use crate::model::error::{OrRaise, report};
use crate::settings;

/// Rows that a model may be trained with.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
pub fn train_rows_max() -> i64 {
    i64::from(settings::train_rows_max())
}

/// Bytes of one artefact.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
pub fn model_bytes_max() -> i32 {
    settings::model_bytes_max()
}

/// Items from which on they are searched by index.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
pub fn index_items_min() -> i32 {
    settings::index_items_min()
}

type Row = (Vec<u8>, String, Option<Vec<String>>, Option<Vec<f32>>);

/// Trains a model. Arrays hold rows one after the other: `numbers` of `spec.features`, `categories` of
/// `spec.categorical`, `texts` of `spec.text`; the labels are words or numbers. `serving` is the artefact that serves, `cuts`
/// what its training held out (null: it never saw such rows): it is asked about the rows that neither was trained with.
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
pub fn fit_model(
    spec: &str,
    row_count: i64,
    numbers: Option<Array<'_, f64>>,
    categories: Option<Array<'_, String>>,
    texts: Option<Array<'_, String>>,
    labels: Option<Array<'_, String>>,
    targets: Option<Array<'_, f64>>,
    groups: Option<Array<'_, String>>,
    serving: Option<Vec<u8>>,
    cuts: Option<Vec<f64>>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(artifact, Vec<u8>),
            name!(report, String),
            name!(user_ids, Option<Vec<String>>),
            name!(user_vectors, Option<Vec<f32>>),
        ),
    >,
    ErrorReport,
> {
    let data = rows(
        row_count, numbers, categories, texts, labels, targets, groups,
    );
    let spec = spec.to_owned();
    let row = fitted(move |limits, pulse| {
        // A model that this release cannot read any more is not compared with.
        let artifact = serving.and_then(|bytes| Artifact::decode(&bytes).ok());
        let serving = artifact.map(|artifact| Serving { artifact, cuts });
        offline_sync_train::train_beside(serving.as_ref(), &spec, &data, &limits, pulse)
    })?;
    Ok(TableIterator::once(row))
}

/// The metric that versions of a model of this kind are compared by.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn primary_metric(artifact: &[u8]) -> Result<&'static str, ErrorReport> {
    let artifact = Artifact::decode(artifact).or_raise()?;
    Ok(offline_sync_train::report::primary(artifact.content().task))
}

/// Learns on from new rows.
#[pg_extern(volatile, parallel_unsafe, schema = "offline_private")]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
pub fn update_fit(
    spec: &str,
    row_count: i64,
    numbers: Option<Array<'_, f64>>,
    categories: Option<Array<'_, String>>,
    texts: Option<Array<'_, String>>,
    labels: Option<Array<'_, String>>,
    targets: Option<Array<'_, f64>>,
    groups: Option<Array<'_, String>>,
    artifact: Vec<u8>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(artifact, Vec<u8>),
            name!(report, String),
            name!(user_ids, Option<Vec<String>>),
            name!(user_vectors, Option<Vec<f32>>),
        ),
    >,
    ErrorReport,
> {
    let data = rows(
        row_count, numbers, categories, texts, labels, targets, groups,
    );
    let spec = spec.to_owned();
    let row = fitted(move |limits, pulse| {
        offline_sync_train::update(&artifact, &spec, &data, &limits, pulse)
    })?;
    Ok(TableIterator::once(row))
}

/// The model of an artefact for ONNX runtimes.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn onnx_of(artifact: &[u8]) -> Result<Vec<u8>, ErrorReport> {
    let artifact = Artifact::decode(artifact).or_raise()?;
    offline_sync_train::to_onnx(&artifact).map_err(|error| raised(&error))
}

/// Copying the words of a large table takes long enough for somebody to want it stopped.
fn looking_up((at, word): (usize, Option<String>)) -> Option<String> {
    if at % 4_096 == 0 {
        check_for_interrupts!();
    }
    word
}

/// The word that a JSON value is as a category: the same for training as for a prediction. 42804 for arrays and objects.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn category_text(value: &str) -> Result<Option<String>, ErrorReport> {
    let value: serde_json::Value = serde_json::from_str(value).unwrap_or_default();
    match category(&value) {
        Some(word) => Ok(Some(word.into_owned())),
        None if value.is_null() => Ok(None),
        None => Err(report(
            "42804",
            "a category must be a string, a number or a boolean".to_owned(),
            "take what it holds apart in a query",
        )),
    }
}

fn rows(
    count: i64,
    numbers: Option<Array<'_, f64>>,
    categories: Option<Array<'_, String>>,
    texts: Option<Array<'_, String>>,
    labels: Option<Array<'_, String>>,
    targets: Option<Array<'_, f64>>,
    groups: Option<Array<'_, String>>,
) -> TrainData {
    let words = |array: Option<Array<'_, String>>| {
        array.map_or_else(Vec::new, |array| {
            array.iter().enumerate().map(looking_up).collect()
        })
    };
    let numbers_of = |array: Array<'_, f64>| match array.as_slice() {
        Ok(numbers) => numbers.to_vec(),
        Err(_) => array
            .iter()
            .map(|number| number.unwrap_or(f64::NAN))
            .collect(),
    };
    let labels = match (targets, labels) {
        (Some(targets), _) => Labels::Number(numbers_of(targets)),
        (None, Some(labels)) => Labels::Text(words(Some(labels))),
        (None, None) => Labels::None,
    };
    TrainData {
        rows: usize::try_from(count).unwrap_or_default(),
        numeric: numbers.map_or_else(Vec::new, numbers_of),
        categorical: words(categories),
        text: words(texts),
        labels,
        groups: words(groups),
    }
}

/// Runs a training beside the backend's thread, within the limits that the settings name.
fn fitted(
    work: impl FnOnce(TrainLimits, &mut dyn Pulse) -> Result<offline_sync_train::Trained, TrainError>
    + Send
    + 'static,
) -> Result<Row, ErrorReport> {
    let limits = settings::train_limits();
    let trained = beside::run(move |stop| work(limits, &mut Beat(stop)));
    match trained {
        Ok(Ok(trained)) => {
            let (user_ids, user_vectors) = trained.users.unzip();
            Ok((
                trained.artifact,
                trained.report.to_string(),
                user_ids,
                user_vectors,
            ))
        }
        Ok(Err(error)) => Err(raised(&error)),
        Err(Fault::NoThread(reason)) => {
            Err(internal_error(format!("no thread to train on: {reason}")))
        }
        Err(Fault::Panicked) => Err(internal_error("training failed".to_owned())),
    }
}

fn raised(error: &TrainError) -> ErrorReport {
    report(error.sqlstate(), error.to_string(), error.hint())
}

/// The pulse of a training: the backend's thread says when to stop.
struct Beat(Stop);

impl Pulse for Beat {
    fn beat(&mut self) -> Result<(), Cancelled> {
        if self.0.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    fn seconds(&mut self) -> f64 {
        self.0.seconds()
    }
}
