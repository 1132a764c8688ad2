//! Which function is asked, and its arguments.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use offline_sync_model::{Artifact, ModelError, Prediction, summary};
use offline_sync_wasm_abi::{Failure, Fields, Object, array, entry, number};
use serde_json::Value;

use crate::{held, vectors};

/// A refusal of the model, as the database raises it.
pub(crate) fn refused(error: ModelError) -> Failure {
    Failure {
        code: error.sqlstate(),
        message: error.to_string(),
        detail: None,
        hint: Some(error.hint()),
    }
}

/// Answers one request.
#[must_use]
pub fn answer(request: &[u8]) -> Vec<u8> {
    offline_sync_wasm_abi::answer(request, ask)
}

fn ask(name: &str, input: &str) -> Result<Option<String>, Failure> {
    match name {
        "predict" => predict(&Fields::parse(input)?).map(Some),
        "predict_many" => predict_many(&Fields::parse(input)?).map(Some),
        "score" => score(&Fields::parse(input)?).map(Some),
        "nearest" => vectors::nearest_to(&Fields::parse(input)?).map(Some),
        "recommend" => vectors::recommend(&Fields::parse(input)?).map(Some),
        "similar" => vectors::similar(&Fields::parse(input)?).map(Some),
        "summarize" => summarize(&Fields::parse(input)?).map(Some),
        "release" => {
            held::release(number(input)?);
            Ok(None)
        }
        _ => Err(Failure::no_function()),
    }
}

pub(crate) fn handle(input: &Fields<'_>) -> Result<u32, Failure> {
    number(input.raw("handle")?)
}

fn predict(input: &Fields<'_>) -> Result<String, Failure> {
    let features = input.raw("features")?;
    let found = held::with(handle(input)?, |model| model.predict_json(features))?;
    Ok(text(&found))
}

fn predict_many(input: &Fields<'_>) -> Result<String, Failure> {
    let rows = input.raw("rows")?;
    let found = held::with(handle(input)?, |model| model.predict_many(rows))?;
    let texts: Vec<String> = found.iter().map(text).collect();
    Ok(array(texts.iter().map(String::as_str)))
}

/// The vector form for what JavaScript cannot write to the model's input, so that it is refused by the same rules.
fn score(input: &Fields<'_>) -> Result<String, Failure> {
    let entries = input.list("features")?;
    let features: Result<Vec<f32>, Failure> =
        entries.iter().map(|item| entry(item.get())).collect();
    let features = features?;
    let found = held::with(handle(input)?, |model: &Artifact| model.score(&features))?;
    Ok(Value::from(found).to_string())
}

fn summarize(input: &Fields<'_>) -> Result<String, Failure> {
    let count = usize::try_from(input.count("sentences")?).unwrap_or(usize::MAX);
    let texts: Vec<String> = summary::summarize(&input.text("text")?, count)
        .iter()
        .map(|sentence| {
            let mut out = Object::new();
            out.raw("index", &sentence.index.to_string());
            out.text("text", &sentence.text);
            out.raw("score", &Value::from(sentence.score).to_string());
            out.close()
        })
        .collect();
    Ok(array(texts.iter().map(String::as_str)))
}

fn text(prediction: &Prediction) -> String {
    Value::Object(prediction.to_json()).to_string()
}
