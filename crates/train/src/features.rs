//! Fits the feature pipeline to the training rows, and turns rows into columns.

use std::collections::BTreeMap;

use offline_sync_model::limits::COLUMNS_MAX;
use offline_sync_model::row::{Cell, encode, number_or};
use offline_sync_model::schema::columns;
use offline_sync_model::text::terms;
use offline_sync_model::{Algorithm, Feature, FeatureKind, TextEncoding};

use crate::data::TrainData;
use crate::error::TrainError;
use crate::limits::{Work, within};
use crate::matrix::Matrix;
use crate::spec::{Encoding, Spec};

/// Deviations below this, or below this share of the mean, are rounding: the feature is constant.
const CONSTANT_SHARE: f64 = 1e-12;
const CONSTANT: f64 = 1e-60;

/// Features fitted to rows, and what was noticed about them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted {
    pub features: Vec<Feature>,
    pub warnings: Vec<String>,
}

/// Fits every feature of the specification to the training rows.
pub(crate) fn fit(
    spec: &Spec,
    encoding: &Encoding,
    data: &TrainData,
    rows: &[usize],
    work: &mut Work<'_>,
) -> Result<Fitted, TrainError> {
    let mut fitted = Fitted {
        features: vec![],
        warnings: vec![],
    };
    let moments = moments(data, spec.features.len(), rows, work)?;
    for (name, moments) in spec.features.iter().zip(moments) {
        let (kind, constant) = numeric(name, &moments)?;
        if constant {
            fitted
                .warnings
                .push(format!("feature \"{name}\" is constant"));
        }
        fitted.features.push(Feature {
            name: name.clone(),
            kind,
        });
    }
    let width = spec.categorical.len();
    for (index, name) in spec.categorical.iter().enumerate() {
        let values = rows
            .iter()
            .map(|row| data.categorical[row * width + index].as_deref());
        let kind = categorical(name, values, encoding, &mut fitted.warnings)?;
        fitted.features.push(Feature {
            name: name.clone(),
            kind,
        });
        work.done(rows.len().saturating_mul(50))?;
    }
    let width = spec.text.len();
    for (index, name) in spec.text.iter().enumerate() {
        let texts = rows
            .iter()
            .map(|row| data.text[row * width + index].as_deref());
        // Naive Bayes counts occurrences: lengths must not be evened out.
        let normalize = spec.algorithm != Algorithm::MultinomialNb;
        let kind = text(name, texts, encoding, normalize, work)?;
        fitted.features.push(Feature {
            name: name.clone(),
            kind,
        });
    }
    within("columns", columns(&fitted.features), COLUMNS_MAX)?;
    Ok(fitted)
}

/// What the known values of a numeric feature add up to.
#[derive(Clone, Default)]
struct Moments {
    count: f64,
    sum: f64,
    /// Squared distances from the mean.
    squares: f64,
}

impl Moments {
    fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

/// The moments of all numeric features, row by row: a pass through one feature at a time would fetch every row from memory again.
fn moments(
    data: &TrainData,
    width: usize,
    rows: &[usize],
    work: &mut Work<'_>,
) -> Result<Vec<Moments>, TrainError> {
    let mut moments = vec![Moments::default(); width];
    for row in rows {
        for (moments, value) in moments.iter_mut().zip(&data.numeric[row * width..]) {
            if value.is_finite() {
                moments.count += 1.0;
                moments.sum += number_or(*value, 0.0);
            }
        }
        work.done(2 * width)?;
    }
    let means: Vec<f64> = moments.iter().map(Moments::mean).collect();
    for row in rows {
        let values = data.numeric[row * width..].iter().zip(&means);
        for (moments, (value, mean)) in moments.iter_mut().zip(values) {
            if value.is_finite() {
                let distance = number_or(*value, 0.0) - mean;
                moments.squares += distance * distance;
            }
        }
        work.done(2 * width)?;
    }
    Ok(moments)
}

/// Mean and deviation of a feature; whether it is constant.
fn numeric(name: &str, moments: &Moments) -> Result<(FeatureKind, bool), TrainError> {
    if moments.count == 0.0 {
        return Err(TrainError::AllMissing {
            feature: name.to_string(),
        });
    }
    let mean = moments.mean();
    let deviation = (moments.squares / moments.count).sqrt();
    let constant = deviation <= mean.abs() * CONSTANT_SHARE || deviation < CONSTANT;
    Ok((
        FeatureKind::Numeric {
            mean,
            scale: if constant { 1.0 } else { deviation },
        },
        constant,
    ))
}

/// The most frequent values of a feature; ties go to the smaller value.
fn categorical<'a>(
    name: &str,
    values: impl Iterator<Item = Option<&'a str>>,
    encoding: &Encoding,
    warnings: &mut Vec<String>,
) -> Result<FeatureKind, TrainError> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for value in values.flatten() {
        *counts.entry(value).or_insert(0) += 1;
    }
    if counts.is_empty() {
        return Err(TrainError::AllMissing {
            feature: name.to_string(),
        });
    }
    if counts.len() == 1 {
        warnings.push(format!("feature \"{name}\" is constant"));
    }
    let distinct = counts.len();
    let mut ranked: Vec<(&str, usize)> = counts.into_iter().collect();
    ranked.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    ranked.truncate(encoding.categories_max);
    if distinct > ranked.len() {
        let other = distinct - ranked.len();
        warnings.push(format!(
            "feature \"{name}\": {other} rare values count as other"
        ));
    }
    let mut values: Vec<String> = ranked
        .into_iter()
        .map(|(value, _)| value.to_string())
        .collect();
    values.sort_unstable();
    Ok(FeatureKind::Categorical { values })
}

fn text<'a>(
    name: &str,
    texts: impl Iterator<Item = Option<&'a str>>,
    encoding: &Encoding,
    normalize: bool,
    work: &mut Work<'_>,
) -> Result<FeatureKind, TrainError> {
    let mut rows_of: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = 0usize;
    for text in texts.flatten() {
        count += 1;
        if encoding.tfidf {
            for term in terms(text, encoding.ngrams).into_keys() {
                let full = rows_of.len() >= work.terms_max();
                if let Some(rows) = rows_of.get_mut(&term) {
                    *rows += 1;
                } else if !full {
                    rows_of.insert(term, 1);
                }
            }
            work.done(text.len().saturating_mul(100))?;
        }
    }
    if count == 0 {
        return Err(TrainError::AllMissing {
            feature: name.to_string(),
        });
    }
    let encoding_of = if encoding.tfidf {
        let kept = frequent(rows_of, encoding);
        let idf = kept
            .iter()
            .map(|(_, rows)| ((1.0 + count as f64) / (1.0 + *rows as f64)).ln() + 1.0)
            .collect();
        TextEncoding::Tfidf {
            terms: kept.into_iter().map(|(term, _)| term).collect(),
            idf,
        }
    } else {
        let buckets = u32::try_from(encoding.text_columns).unwrap_or(u32::MAX);
        TextEncoding::Hashed { buckets }
    };
    Ok(FeatureKind::Text {
        ngrams: encoding.ngrams,
        normalize,
        encoding: encoding_of,
    })
}

/// The terms that most texts have, sorted; ties go to the smaller term.
fn frequent(rows_of: BTreeMap<String, usize>, encoding: &Encoding) -> Vec<(String, usize)> {
    let mut ranked: Vec<(String, usize)> = rows_of
        .into_iter()
        .filter(|(_, rows)| *rows >= encoding.term_rows_min)
        .collect();
    ranked.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    ranked.truncate(encoding.text_columns);
    ranked.sort_unstable();
    ranked
}

/// Writes one row of the data into `out`, which is zero before.
pub(crate) fn columns_of(features: &[Feature], data: &TrainData, row: usize, out: &mut [f64]) {
    let count = |name: &str| {
        features
            .iter()
            .filter(|feature| feature.kind.name() == name)
            .count()
    };
    let (numbers, words, texts) = (count("numeric"), count("categorical"), count("text"));
    let (mut number, mut word, mut text) = (row * numbers, row * words, row * texts);
    let mut rest = out;
    for feature in features {
        let (own, after) = rest.split_at_mut(feature.kind.columns());
        rest = after;
        let cell = match feature.kind {
            FeatureKind::Numeric { .. } => {
                number += 1;
                Cell::Number(data.numeric[number - 1])
            }
            FeatureKind::Categorical { .. } => {
                word += 1;
                data.categorical[word - 1]
                    .as_deref()
                    .map_or(Cell::Missing, Cell::Text)
            }
            FeatureKind::Text { .. } => {
                text += 1;
                data.text[text - 1]
                    .as_deref()
                    .map_or(Cell::Missing, Cell::Text)
            }
        };
        encode(&feature.kind, &cell, own);
    }
}

/// The columns of many rows, in the features' own units.
pub(crate) fn matrix(
    features: &[Feature],
    data: &TrainData,
    rows: &[usize],
    work: &mut Work<'_>,
) -> Result<Matrix, TrainError> {
    let mut matrix = Matrix::zeros(rows.len(), columns(features));
    let numeric_only = features
        .iter()
        .all(|feature| matches!(feature.kind, FeatureKind::Numeric { .. }));
    let width = matrix.columns;
    for (row, out) in rows.iter().zip(matrix.data.chunks_exact_mut(width.max(1))) {
        if numeric_only {
            let values = &data.numeric[row * width..(row + 1) * width];
            for ((cell, value), feature) in out.iter_mut().zip(values).zip(features) {
                if let FeatureKind::Numeric { mean, .. } = feature.kind {
                    *cell = number_or(*value, mean);
                }
            }
            work.done(2 * width)?;
        } else {
            columns_of(features, data, *row, out);
            work.done(width + text_bytes(data, features, *row).saturating_mul(100))?;
        }
    }
    Ok(matrix)
}

fn text_bytes(data: &TrainData, features: &[Feature], row: usize) -> usize {
    let texts = features
        .iter()
        .filter(|feature| matches!(feature.kind, FeatureKind::Text { .. }))
        .count();
    data.text[row * texts..(row + 1) * texts]
        .iter()
        .flatten()
        .map(String::len)
        .sum()
}

/// Mean and scale of each column: of numbers those of the feature, of other columns 0 and 1.
pub(crate) fn scales(features: &[Feature]) -> Vec<(f64, f64)> {
    let mut scales = vec![];
    for feature in features {
        match feature.kind {
            FeatureKind::Numeric { mean, scale } => scales.push((mean, scale)),
            ref kind => scales.extend(std::iter::repeat_n((0.0, 1.0), kind.columns())),
        }
    }
    scales
}

/// Brings columns to mean 0 and deviation 1, in place.
pub(crate) fn standardize(
    matrix: &mut Matrix,
    scales: &[(f64, f64)],
    work: &mut Work<'_>,
) -> Result<(), TrainError> {
    let width = matrix.columns;
    for row in matrix.data.chunks_exact_mut(width) {
        for (cell, (mean, scale)) in row.iter_mut().zip(scales) {
            *cell = (*cell - mean) / scale;
        }
        work.done(2 * width)?;
    }
    Ok(())
}

/// Turns weights of scaled columns into weights of the columns themselves.
pub(crate) fn unscale(weights: &mut [f64], intercept: &mut f64, scales: &[(f64, f64)]) {
    for (weight, (mean, scale)) in weights.iter_mut().zip(scales) {
        *weight /= scale;
        *intercept -= *weight * mean;
    }
}
