//! Recommendations and similar items, from models of vectors.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use offline_sync_model::models::{Model, Vectors};
use offline_sync_model::rank::Metric;
use offline_sync_model::{Artifact, ModelError};
use offline_sync_wasm_abi::{Failure, Fields, Object, array, entry, number};
use serde_json::Value;

use crate::held;
use crate::request::handle;

/// Who is recommended to, and what.
struct Wish {
    /// The user's own vector, where there is one.
    user: Option<Vec<f32>>,
    /// Items that were touched: left out, and in the place of a user without a vector.
    items: Vec<String>,
    exclude: BTreeSet<String>,
    count: usize,
}

impl Wish {
    fn read(input: &Fields<'_>) -> Result<Wish, Failure> {
        let user = vector(input, "user")?;
        let items = input.texts("items")?;
        let mut exclude: BTreeSet<String> = input.texts("exclude")?.into_iter().collect();
        exclude.extend(items.iter().cloned());
        Ok(Wish {
            user: Some(user).filter(|user| !user.is_empty()),
            items,
            exclude,
            count: count(input)?,
        })
    }

    /// By the user's vector, else by the mean of the items that the model knows; and which of them.
    fn answer(&self, vectors: &Vectors) -> Result<String, ModelError> {
        let (query, from) = match &self.user {
            Some(user) => (Some(user.clone()), "user"),
            None => (vectors.mean(&self.items), "items"),
        };
        let Some(query) = query else {
            return Ok(list("nothing", &[]));
        };
        let found = nearest(vectors, &query, self.count, Metric::Dot, &self.exclude)?;
        Ok(list(from, &found))
    }
}

fn vector(input: &Fields<'_>, name: &str) -> Result<Vec<f32>, Failure> {
    let entries = input.list(name)?;
    entries.iter().map(|item| entry(item.get())).collect()
}

/// The items whose vectors are nearest to a vector, by `dot` or `cosine`.
pub(crate) fn nearest_to(input: &Fields<'_>) -> Result<String, Failure> {
    let query = vector(input, "query")?;
    let count = usize::try_from(input.count("count")?).unwrap_or(usize::MAX);
    let metric = match input.text("metric")?.as_str() {
        "dot" => Metric::Dot,
        "cosine" => Metric::Cosine,
        _ => return Err(Failure::argument("metric must be dot or cosine")),
    };
    let found = |vectors: &Vectors| {
        nearest(vectors, &query, count, metric, &BTreeSet::new()).map(|found| hits(&found))
    };
    ask(input, found)
}

pub(crate) fn recommend(input: &Fields<'_>) -> Result<String, Failure> {
    let wish = Wish::read(input)?;
    ask(input, |vectors| wish.answer(vectors))
}

/// The items whose vectors have the smallest angle to an item's; none for an item that the model does not know.
pub(crate) fn similar(input: &Fields<'_>) -> Result<String, Failure> {
    let (item, count) = (input.text("item")?, count(input)?);
    ask(input, |vectors| {
        let Some(query) = vectors.get(&item) else {
            return Ok(list("nothing", &[]));
        };
        let itself = BTreeSet::from([item.clone()]);
        let found = nearest(vectors, query, count, Metric::Cosine, &itself)?;
        Ok(list("items", &found))
    })
}

fn ask(
    input: &Fields<'_>,
    answer: impl FnOnce(&Vectors) -> Result<String, ModelError>,
) -> Result<String, Failure> {
    let found = held::with(handle(input)?, |artifact: &Artifact| {
        match &artifact.content().model {
            Model::Vectors(vectors) => answer(vectors).map(Some),
            _ => Ok(None),
        }
    })?;
    found.ok_or_else(|| Failure {
        hint: Some("recommend and similar take models of the algorithm als"),
        ..Failure::argument("the model has no vectors")
    })
}

/// How many to answer with, 1 to 1,000 as in SQL.
fn count(input: &Fields<'_>) -> Result<usize, Failure> {
    match number(input.raw("count")?) {
        Ok(count @ 1..=1_000) => Ok(count),
        _ => Err(Failure::argument("count must be between 1 and 1000")),
    }
}

fn nearest<'a>(
    vectors: &'a Vectors,
    query: &[f32],
    count: usize,
    metric: Metric,
    exclude: &BTreeSet<String>,
) -> Result<Vec<(&'a str, f64)>, ModelError> {
    let mut found = vectors.nearest(query, count.saturating_add(exclude.len()), metric)?;
    found.retain(|(id, _)| !exclude.contains(*id));
    found.truncate(count);
    Ok(found)
}

/// What a recommendation was made by, and its items.
fn list(from: &str, found: &[(&str, f64)]) -> String {
    let mut out = Object::new();
    out.text("from", from);
    out.raw("items", &hits(found));
    out.close()
}

fn hits(found: &[(&str, f64)]) -> String {
    let texts: Vec<String> = found
        .iter()
        .map(|(id, score)| {
            let mut hit = Object::new();
            hit.text("id", id);
            hit.raw("score", &Value::from(*score).to_string());
            hit.close()
        })
        .collect();
    array(texts.iter().map(String::as_str))
}
