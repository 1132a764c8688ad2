//! The rows of a training, as the database or a test hands them over.

use std::borrow::Cow;

use offline_sync_model::Task;
use offline_sync_model::limits::OUTPUTS_MAX;

use crate::error::TrainError;
use crate::limits::{TrainLimits, within};
use crate::spec::Spec;

/// Rows in matrices stored row by row, with as many columns as the specification lists names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainData {
    /// Number of rows.
    pub rows: usize,
    /// Rows × `spec.features`; NaN and infinity are missing values.
    pub numeric: Vec<f64>,
    /// Rows × `spec.categorical`.
    pub categorical: Vec<Option<String>>,
    /// Rows × `spec.text`.
    pub text: Vec<Option<String>>,
    /// The label of each row.
    pub labels: Labels,
    /// What each row belongs to: rows of one group train together or measure together. Empty where each stands for itself.
    pub groups: Vec<Option<String>>,
}

/// What is to be predicted. Rows without a label are not used.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Labels {
    /// Nothing: clusters and components.
    #[default]
    None,
    /// A word for each row.
    Text(Vec<Option<String>>),
    /// A number for each row; NaN is none.
    Number(Vec<f64>),
}

/// Labels as training uses them, and the rows that have one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Targets {
    /// Rows that can be used.
    pub rows: Vec<usize>,
    /// For each row of the data: class index or value; 0 for rows that are not used.
    pub values: Vec<f64>,
    /// The classes; empty for other tasks.
    pub labels: Vec<String>,
}

impl TrainData {
    /// Whether the arrays fit the specification and the limits.
    pub(crate) fn check(&self, spec: &Spec, limits: &TrainLimits) -> Result<(), TrainError> {
        let features = spec.features.len() + spec.categorical.len() + spec.text.len();
        if features == 0 {
            return Err(TrainError::NoFeature);
        }
        within("rows_max", self.rows, limits.rows_max)?;
        within("features_max", features, limits.features_max)?;
        let labels = match &self.labels {
            Labels::None => self.rows,
            Labels::Text(labels) => labels.len(),
            Labels::Number(labels) => labels.len(),
        };
        for (what, found, width) in [
            ("numeric", self.numeric.len(), spec.features.len()),
            (
                "categorical",
                self.categorical.len(),
                spec.categorical.len(),
            ),
            ("text", self.text.len(), spec.text.len()),
            ("labels", labels, 1),
            (
                "groups",
                self.groups.len(),
                usize::from(!self.groups.is_empty()),
            ),
        ] {
            let expected = self.rows.saturating_mul(width);
            if found != expected {
                return Err(TrainError::BadShape {
                    what,
                    expected,
                    found,
                });
            }
        }
        Ok(())
    }

    /// The labels for a task.
    pub(crate) fn targets(&self, spec: &Spec, task: Task) -> Result<Targets, TrainError> {
        match task {
            Task::Classification => classes(&self.words(spec)?),
            Task::Regression => numbers(self.rows, &self.labels, spec),
            _ => Ok(Targets {
                rows: (0..self.rows).collect(),
                values: vec![0.0; self.rows],
                labels: vec![],
            }),
        }
    }

    /// The label of each row as a word, if it has one.
    fn words(&self, spec: &Spec) -> Result<Cow<'_, [Option<String>]>, TrainError> {
        match &self.labels {
            Labels::None => Err(TrainError::NoLabel {
                algorithm: spec.algorithm.name(),
            }),
            Labels::Text(labels) => Ok(Cow::Borrowed(labels)),
            Labels::Number(labels) => Ok(labels
                .iter()
                .map(|label| label.is_finite().then(|| (label + 0.0).to_string()))
                .collect()),
        }
    }
}

fn numbers(count: usize, labels: &Labels, spec: &Spec) -> Result<Targets, TrainError> {
    let values: Vec<f64> = match labels {
        Labels::None => {
            return Err(TrainError::NoLabel {
                algorithm: spec.algorithm.name(),
            });
        }
        Labels::Number(labels) => labels.clone(),
        Labels::Text(labels) => labels
            .iter()
            .map(|label| match label {
                None => Ok(f64::NAN),
                Some(label) => label.parse().map_err(|_| TrainError::LabelNotNumeric {
                    label: label.clone(),
                }),
            })
            .collect::<Result<_, _>>()?,
    };
    let rows = (0..count).filter(|row| values[*row].is_finite()).collect();
    let values = values
        .into_iter()
        .map(|value| if value.is_finite() { value } else { 0.0 })
        .collect();
    Ok(Targets {
        rows,
        values,
        labels: vec![],
    })
}

/// Classes in the order of their numbers when all are numbers, else in the order of their bytes.
fn classes(words: &[Option<String>]) -> Result<Targets, TrainError> {
    let mut labels: Vec<String> = vec![];
    for word in words.iter().flatten() {
        if let Err(place) = labels.binary_search(word) {
            if labels.len() == OUTPUTS_MAX {
                let found = OUTPUTS_MAX + 1;
                return Err(TrainError::TooManyClasses {
                    found,
                    max: OUTPUTS_MAX,
                });
            }
            labels.insert(place, word.clone());
        }
    }
    let numbers: Option<Vec<f64>> = labels.iter().map(|label| label.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<(f64, String)> = numbers.into_iter().zip(labels).collect();
        pairs.sort_by(|left, right| {
            left.0
                .total_cmp(&right.0)
                .then_with(|| left.1.cmp(&right.1))
        });
        labels = pairs.into_iter().map(|(_, label)| label).collect();
    }
    let index: std::collections::BTreeMap<&str, usize> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| (label.as_str(), index))
        .collect();
    let mut rows = vec![];
    let mut values = vec![0.0; words.len()];
    for (row, word) in words.iter().enumerate() {
        if let Some(class) = word.as_deref().and_then(|word| index.get(word)) {
            rows.push(row);
            values[row] = *class as f64;
        }
    }
    Ok(Targets {
        rows,
        values,
        labels,
    })
}
