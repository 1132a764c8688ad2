//! Models: scoring and predicting, artefacts and their envelopes.

use std::cell::RefCell;
use std::rc::Rc;

use offline_sync_model::models::Model;
use offline_sync_model::rank::{self, Metric};
use offline_sync_model::{Artifact, Prediction, envelope, summary};
use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, pg_sys};
use serde_json::{Map, Value, json};

use crate::model::cache::{self, Ready};
use crate::model::document::Document;
use crate::model::error::{OrRaise, report};
use crate::settings;

/// Score of a row of numbers by the model that serves; a null among them is a missing value.
///
/// Regression: the number. Two classes: the probability of the second. More: the index of the class.
/// k-means: the index of the cluster. Components: the first one.
#[pg_extern(stable, strict, parallel_safe)]
pub fn score(p_model: &str, p_features: Array<'_, f32>) -> Result<f64, ErrorReport> {
    score_with(&cache::serving(p_model)?.artifact, &p_features)
}

/// Score of a row of numbers by an artefact given by value: the same for the same bytes, so that indexes and
/// parallel plans may use it.
#[pg_extern(immutable, strict, parallel_safe)]
pub fn score_artifact(
    p_artifact: &[u8],
    p_features: Array<'_, f32>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Result<f64, ErrorReport> {
    let site = call_site(fcinfo);
    let parsed = site.borrow_mut().parsed(p_artifact)?;
    score_with(&parsed, &p_features)
}

fn score_with(artifact: &Artifact, features: &Array<'_, f32>) -> Result<f64, ErrorReport> {
    match features.as_slice() {
        Ok(features) => artifact.score(features).or_raise(),
        Err(_) => {
            let features: Vec<f32> = features.iter().map(|f| f.unwrap_or(f32::NAN)).collect();
            artifact.score(&features).or_raise()
        }
    }
}

/// The artefact that this call site was given last. Comparing the bytes of a small artefact costs a few
/// nanoseconds, parsing them thousands.
#[derive(Default)]
struct CallSite {
    bytes: Vec<u8>,
    parsed: Option<Rc<Artifact>>,
}

impl CallSite {
    fn parsed(&mut self, bytes: &[u8]) -> Result<Rc<Artifact>, ErrorReport> {
        if let Some(parsed) = &self.parsed
            && self.bytes == bytes
        {
            return Ok(Rc::clone(parsed));
        }
        let parsed = Rc::new(Artifact::decode(bytes).or_raise()?);
        self.bytes = bytes.to_vec();
        self.parsed = Some(Rc::clone(&parsed));
        Ok(parsed)
    }
}

/// What is kept at the place of a query that calls the function; it goes when the query ends.
fn call_site(fcinfo: pg_sys::FunctionCallInfo) -> &'static RefCell<CallSite> {
    // SAFETY: Postgres hands every function its call info with a valid flinfo, fn_extra is this function's own, and the value put
    // there lives in fn_mcxt, as long as flinfo itself.
    unsafe {
        let flinfo = (*fcinfo).flinfo;
        if (*flinfo).fn_extra.is_null() {
            (*flinfo).fn_extra = PgMemoryContexts::For((*flinfo).fn_mcxt)
                .leak_and_drop_on_delete(RefCell::new(CallSite::default()))
                .cast();
        }
        &*(*flinfo).fn_extra.cast::<RefCell<CallSite>>()
    }
}

/// Prediction for one row by feature name.
#[pg_extern(stable, strict, parallel_safe)]
pub fn predict(p_model: &str, p_features: Document) -> Result<JsonB, ErrorReport> {
    let ready = cache::serving(p_model)?;
    let Value::Object(features) = p_features.value()? else {
        let hint = "{\"feature\": value, …}";
        return Err(report(
            "22023",
            "p_features must be a JSON object".to_owned(),
            hint,
        ));
    };
    let prediction = ready.artifact.predict(&features).or_raise()?;
    Ok(JsonB(answer(p_model, &ready, &prediction)))
}

/// Predictions for many rows, in their order.
#[pg_extern(stable, strict, parallel_safe)]
pub fn predict_many(p_model: &str, p_rows: Document) -> Result<JsonB, ErrorReport> {
    let ready = cache::serving(p_model)?;
    let refused = |message: String| report("22023", message, "[{\"feature\": value, …}, …]");
    let Value::Array(rows) = p_rows.value()? else {
        return Err(refused("p_rows must be a JSON array".to_owned()));
    };
    let rows_max = settings::predict_rows_max();
    if rows.len() > rows_max {
        let hint = format!("predict_rows_max is {rows_max}: ask in parts");
        return Err(report("54000", "too many rows".to_owned(), &hint));
    }
    let mut answers = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        pgrx::check_for_interrupts!();
        let Value::Object(features) = row else {
            return Err(refused(format!("row {at} is not an object")));
        };
        let prediction = ready.artifact.predict(features).or_raise()?;
        answers.push(answer(p_model, &ready, &prediction));
    }
    Ok(JsonB(Value::Array(answers)))
}

fn answer(model: &str, ready: &Ready, prediction: &Prediction) -> Value {
    let mut answer: Map<String, Value> = prediction.to_json();
    answer.insert("model".to_owned(), json!(model));
    answer.insert("version".to_owned(), json!(ready.version));
    Value::Object(answer)
}

/// What an artefact says of itself: algorithm, task, labels and features.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn describe_artifact(artifact: &[u8]) -> Result<JsonB, ErrorReport> {
    let artifact = Artifact::decode(artifact).or_raise()?;
    Ok(JsonB(Value::Object(envelope::describe(artifact.content()))))
}

/// The document in which a model travels.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn seal_model(artifact: &[u8], metrics: JsonB) -> Result<JsonB, ErrorReport> {
    Ok(JsonB(Value::Object(
        envelope::seal(artifact, &metrics.0).or_raise()?,
    )))
}

/// Opens such a document: the bytes of the artefact, once hash and schema are right.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn open_model(envelope: &str) -> Result<Vec<u8>, ErrorReport> {
    Ok(envelope::open(envelope).or_raise()?.bytes)
}

/// The vector of a name in the model that serves, null where it has none.
#[pg_extern(stable, strict, parallel_safe, schema = "offline_private")]
pub fn model_item(model: &str, id: &str) -> Result<Option<Vec<f32>>, ErrorReport> {
    let ready = cache::serving(model)?;
    let Model::Vectors(vectors) = &ready.artifact.content().model else {
        return Err(not_vectors(model));
    };
    Ok(vectors.get(id).map(<[f32]>::to_vec))
}

/// The mean of the vectors of these names in the model that serves, null where it has none of them.
#[pg_extern(stable, strict, parallel_safe, schema = "offline_private")]
pub fn vector_of_items(model: &str, items: Vec<String>) -> Result<Option<Vec<f32>>, ErrorReport> {
    let ready = cache::serving(model)?;
    let Model::Vectors(vectors) = &ready.artifact.content().model else {
        return Err(not_vectors(model));
    };
    Ok(vectors.mean(&items))
}

/// The dot product of two vectors, as `nearest_items` scores; entries of 0 at the end do not change it.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn vector_dot(left: Array<'_, f32>, right: Array<'_, f32>) -> f64 {
    let flat = |array: &Array<'_, f32>| -> Vec<f32> { array.iter_deny_null().collect() };
    // Adding 0 makes -0 and 0 equal.
    rank::dot(&flat(&left), &flat(&right)) + 0.0
}

/// The names whose vectors in the model that serves are nearest to a vector, best first; exact. `cosine`: by the
/// angle, else by the dot product.
#[pg_extern(stable, strict, parallel_safe, schema = "offline_private")]
pub fn nearest_items(
    model: &str,
    query: Vec<f32>,
    count: i32,
    cosine: bool,
    exclude: Vec<String>,
) -> Result<TableIterator<'static, (name!(id, String), name!(score, f64))>, ErrorReport> {
    let ready = cache::serving(model)?;
    let Model::Vectors(vectors) = &ready.artifact.content().model else {
        return Err(not_vectors(model));
    };
    let count = usize::try_from(count).unwrap_or_default();
    let exclude: std::collections::BTreeSet<String> = exclude.into_iter().collect();
    let metric = if cosine { Metric::Cosine } else { Metric::Dot };
    let found = vectors
        .nearest(&query, count.saturating_add(exclude.len()), metric)
        .or_raise()?;
    let rows: Vec<(String, f64)> = found
        .into_iter()
        .filter(|(id, _)| !exclude.contains(*id))
        .take(count)
        .map(|(id, score)| (id.to_owned(), score))
        .collect();
    Ok(TableIterator::new(rows))
}

fn not_vectors(model: &str) -> ErrorReport {
    report(
        "22023",
        format!("model {model} has no vectors"),
        "recommend and similar take models of the algorithm als",
    )
}

/// Names and vectors of an artefact of vectors; none where it is of another kind.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn artifact_vectors(
    artifact: &[u8],
) -> Result<TableIterator<'static, (name!(id, String), name!(vector, Vec<f32>))>, ErrorReport> {
    let artifact = Artifact::decode(artifact).or_raise()?;
    let Model::Vectors(vectors) = &artifact.content().model else {
        return Ok(TableIterator::new(Vec::new()));
    };
    let dimensions = vectors.dimensions as usize;
    let parts = vectors.data.chunks_exact(dimensions).map(<[f32]>::to_vec);
    let rows: Vec<(String, Vec<f32>)> = vectors.ids.iter().cloned().zip(parts).collect();
    Ok(TableIterator::new(rows))
}

/// The sentences that say most of a text, in its order: up to `p_sentences` (1 to 20).
#[pg_extern(immutable, strict, parallel_safe)]
pub fn summarize(p_text: &str, p_sentences: default!(i32, 3)) -> JsonB {
    let count = usize::try_from(p_sentences.clamp(1, 20)).unwrap_or(1);
    let sentences: Vec<Value> = summary::summarize(p_text, count)
        .into_iter()
        .map(|sentence| json!(sentence.text))
        .collect();
    JsonB(Value::Array(sentences))
}

/// Characters of a text that its likeness is judged by; the work grows with their square.
const LIKENESS_CHARS_MAX: usize = 256;

/// How alike two texts begin, from 0 to 1: one less the share of characters to be edited, of the first 256.
#[pg_extern(immutable, strict, parallel_safe, schema = "offline_private")]
pub fn text_similarity(left: &str, right: &str) -> f64 {
    let start = |text: &str| text.chars().take(LIKENESS_CHARS_MAX).collect::<String>();
    strsim::normalized_levenshtein(&start(left), &start(right))
}
