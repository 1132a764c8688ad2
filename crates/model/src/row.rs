//! A row by feature name → the columns that models score.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use serde_json::{Map, Value};

use crate::error::ModelError;
use crate::limits::INPUT_MAX;
use crate::schema::{Feature, FeatureKind, columns};
use crate::{text, time};

/// One value of a row, as SQL or JSON gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Absent, null, or a number that is not finite.
    Missing,
    /// A number.
    Number(f64),
    /// A word or text.
    Text(&'a str),
}

/// The columns of a row; features that it lacks are missing, keys that are no feature are ignored.
///
/// # Errors
///
/// [`ModelError::BadFeature`] for a value of the wrong type.
pub fn from_json(features: &[Feature], row: &Map<String, Value>) -> Result<Vec<f64>, ModelError> {
    let mut out = vec![0.0; columns(features)];
    let mut rest = out.as_mut_slice();
    for feature in features {
        let (own, after) = rest.split_at_mut(feature.kind.columns().min(rest.len()));
        rest = after;
        let word;
        let cell = match (row.get(&feature.name), &feature.kind) {
            (None | Some(Value::Null), _) => Cell::Missing,
            (Some(Value::Number(number)), FeatureKind::Numeric { .. }) => {
                number.as_f64().map_or(Cell::Missing, Cell::Number)
            }
            (Some(Value::Bool(bool)), FeatureKind::Numeric { .. }) => {
                Cell::Number(f64::from(u8::from(*bool)))
            }
            (Some(Value::String(text)), FeatureKind::Numeric { .. })
                if let Some(seconds) = time::seconds(text) =>
            {
                Cell::Number(seconds)
            }
            (Some(Value::String(text)), FeatureKind::Text { .. }) => Cell::Text(text),
            (Some(value), FeatureKind::Categorical { .. }) if let Some(found) = category(value) => {
                word = found;
                Cell::Text(&word)
            }
            (Some(_), kind) => {
                return Err(ModelError::BadFeature {
                    feature: feature.name.clone(),
                    expected: match kind {
                        FeatureKind::Numeric { .. } => "a number, a boolean or a time",
                        FeatureKind::Categorical { .. } => "a string, number or boolean",
                        FeatureKind::Text { .. } => "a string",
                    },
                });
            }
        };
        encode(&feature.kind, &cell, own);
    }
    Ok(out)
}

/// The word that a JSON value is as a category: a number is the same word however it was spelled. `None` for
/// null, arrays and objects.
#[must_use]
pub fn category(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        Value::Number(number) => Some(Cow::Owned(match number.as_f64() {
            Some(float) if number.is_f64() && whole(float) => (float as i64).to_string(),
            _ => number.to_string(),
        })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a float is a whole number that it holds exactly.
fn whole(float: f64) -> bool {
    float.abs() < 9e15 && libm::trunc(float) == float
}

/// Writes one value into the columns of its feature, which are zero before.
///
/// A value of the wrong type counts as missing.
pub fn encode(kind: &FeatureKind, cell: &Cell<'_>, out: &mut [f64]) {
    match kind {
        FeatureKind::Numeric { mean, .. } => {
            if let Some(column) = out.first_mut() {
                *column = match cell {
                    Cell::Number(number) => number_or(*number, *mean),
                    _ => *mean,
                };
            }
        }
        FeatureKind::Categorical { values } => {
            let column = match cell {
                Cell::Text(word) => values
                    .binary_search_by(|value| value.as_str().cmp(word))
                    .unwrap_or(values.len() + 1),
                _ => values.len(),
            };
            if let Some(cell) = out.get_mut(column) {
                *cell = 1.0;
            }
        }
        FeatureKind::Text {
            ngrams,
            normalize,
            encoding,
        } => {
            if let Cell::Text(text) = cell {
                text::encode(text, *ngrams, *normalize, encoding, out);
            }
        }
    }
}

/// `number` within [`INPUT_MAX`], or `mean` when it is missing: NaN or infinite.
#[must_use]
pub fn number_or(number: f64, mean: f64) -> f64 {
    if number.is_finite() {
        number.clamp(-INPUT_MAX, INPUT_MAX)
    } else {
        mean
    }
}
