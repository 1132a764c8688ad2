//! Rows → scores and predictions.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::artifact::Artifact;
use crate::error::ModelError;
use crate::limits::{OUTPUTS_MAX, ROWS_MAX};
use crate::math::argmax;
use crate::models::{Linear, Link, Model};
use crate::row;
use crate::schema::{Task, within};

/// What a model says about one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The class, for classifiers.
    pub label: Option<String>,
    /// What [`Artifact::score`] answers for the same row.
    pub score: f64,
    /// The probability of each label, in the order of the labels, for classifiers.
    pub probabilities: Option<Vec<(String, f64)>>,
    /// The coordinates, for models of components.
    pub components: Option<Vec<f64>>,
    task: Task,
}

impl Prediction {
    /// `{"label", "score", "probabilities"}`, and `components` where there are any.
    ///
    /// The label of a regression is the number, that of a cluster its index.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let label = match (&self.label, self.task) {
            (Some(label), _) => json!(label),
            (None, Task::Clustering) => json!(self.score as u64),
            (None, Task::Regression) => json!(self.score),
            (None, _) => Value::Null,
        };
        let probabilities = self.probabilities.as_ref().map_or(Value::Null, |pairs| {
            Value::Object(
                pairs
                    .iter()
                    .map(|(label, share)| (label.clone(), json!(share)))
                    .collect(),
            )
        });
        let mut map = Map::new();
        map.insert("label".to_string(), label);
        map.insert("score".to_string(), json!(self.score));
        map.insert("probabilities".to_string(), probabilities);
        if let Some(components) = &self.components {
            map.insert("components".to_string(), json!(components));
        }
        map
    }
}

impl Artifact {
    /// Scores a row of numbers, in the order of the features; NaN and infinity are missing values.
    ///
    /// | task | score |
    /// | --- | --- |
    /// | regression | the value |
    /// | two classes | probability of the second label |
    /// | more classes | index of the predicted label |
    /// | clustering | index of the nearest cluster |
    /// | components | first coordinate |
    ///
    /// # Errors
    ///
    /// [`ModelError::WrongLength`]; [`ModelError::NotNumeric`] for models with other features than
    /// numbers; [`ModelError::NotScorable`] for models of vectors.
    #[inline]
    pub fn score(&self, features: &[f32]) -> Result<f64, ModelError> {
        if !self.numeric {
            return Err(ModelError::NotNumeric);
        }
        self.score_columns(features)
    }

    /// Scores a row that is columns already, as [`Artifact::columns_of`] makes them.
    ///
    /// # Errors
    ///
    /// As [`Artifact::score`], but for the kinds of features.
    #[inline]
    pub fn score_columns<T: Copy + Into<f64>>(&self, row: &[T]) -> Result<f64, ModelError> {
        if row.len() != self.fill.len() {
            return Err(self.wrong_length(row.len()));
        }
        // The shape of nearly every call: one weighted sum.
        if let Model::Linear(
            model @ Linear {
                link: Link::Logistic | Link::Identity,
                ..
            },
        ) = &self.content().model
        {
            let mut out = [model.sum(0, row, &self.fill)];
            model.link.apply(&mut out);
            return Ok(out[0]);
        }
        let mut buffer = [0.0; OUTPUTS_MAX];
        let outputs = self.outputs(row, &mut buffer)?;
        Ok(self.score_of(outputs))
    }

    /// Predicts a row by feature name. Absent features and nulls are missing values; other keys do not
    /// matter.
    ///
    /// # Errors
    ///
    /// [`ModelError::BadFeature`] for a value of the wrong type; [`ModelError::NotScorable`].
    pub fn predict(&self, features: &Map<String, Value>) -> Result<Prediction, ModelError> {
        self.predict_columns(&row::from_json(&self.content().features, features)?)
    }

    /// Predicts a JSON object of features, given as text.
    ///
    /// # Errors
    ///
    /// [`ModelError::BadJson`] when it is no object, else as [`Artifact::predict`].
    pub fn predict_json(&self, features: &str) -> Result<Prediction, ModelError> {
        self.predict(&parse("features", features)?)
    }

    /// Predicts a JSON array of objects, given as text.
    ///
    /// # Errors
    ///
    /// [`ModelError::OverLimit`] beyond [`ROWS_MAX`] rows, else as [`Artifact::predict_json`].
    pub fn predict_many(&self, rows: &str) -> Result<Vec<Prediction>, ModelError> {
        let rows: Vec<Map<String, Value>> = parse("rows", rows)?;
        within("rows", rows.len(), ROWS_MAX)?;
        rows.iter().map(|row| self.predict(row)).collect()
    }

    /// The columns of a row by feature name.
    ///
    /// # Errors
    ///
    /// [`ModelError::BadFeature`] for a value of the wrong type.
    pub fn columns_of(&self, features: &Map<String, Value>) -> Result<Vec<f64>, ModelError> {
        row::from_json(&self.content().features, features)
    }

    /// Predicts a row that is columns already.
    ///
    /// # Errors
    ///
    /// [`ModelError::WrongLength`]; [`ModelError::NotScorable`].
    pub fn predict_columns(&self, row: &[f64]) -> Result<Prediction, ModelError> {
        let mut buffer = [0.0; OUTPUTS_MAX];
        let outputs = self.outputs(row, &mut buffer)?;
        let content = self.content();
        let task = content.task;
        let mut prediction = Prediction {
            label: None,
            score: self.score_of(outputs),
            probabilities: None,
            components: (task == Task::Components).then(|| outputs.to_vec()),
            task,
        };
        if task == Task::Classification {
            let shares = match outputs {
                [second] => vec![1.0 - second, *second],
                all => all.to_vec(),
            };
            prediction.label = content.labels.get(argmax(&shares)).cloned();
            prediction.probabilities = Some(content.labels.iter().cloned().zip(shares).collect());
        }
        Ok(prediction)
    }

    /// The model's outputs for a row, in a part of `buffer`.
    ///
    /// Probabilities of a classifier (one output: that of the second of two labels), the value of a
    /// regression, minus squared distances of clusters, or coordinates.
    ///
    /// # Errors
    ///
    /// [`ModelError::WrongLength`]; [`ModelError::NotScorable`].
    pub fn outputs<'b, T: Copy + Into<f64>>(
        &self,
        row: &[T],
        buffer: &'b mut [f64; OUTPUTS_MAX],
    ) -> Result<&'b [f64], ModelError> {
        let content = self.content();
        if content.task == Task::Retrieval {
            return Err(ModelError::NotScorable {
                algorithm: content.algorithm.name(),
            });
        }
        if row.len() != self.fill.len() {
            return Err(self.wrong_length(row.len()));
        }
        let count = content.model.output_count().min(OUTPUTS_MAX);
        let outputs = &mut buffer[..count];
        content
            .model
            .outputs(&self.derived, row, &self.fill, outputs);
        Ok(outputs)
    }

    fn score_of(&self, outputs: &[f64]) -> f64 {
        match (self.content().task, outputs) {
            (Task::Classification, [_, second]) => *second,
            (Task::Classification, [_, _, ..]) | (Task::Clustering, _) => argmax(outputs) as f64,
            (_, [first, ..]) => *first,
            (_, []) => 0.0,
        }
    }

    #[cold]
    fn wrong_length(&self, found: usize) -> ModelError {
        ModelError::WrongLength {
            expected: self.fill.len(),
            found,
        }
    }
}

fn parse<T: for<'de> Deserialize<'de>>(
    document: &'static str,
    text: &str,
) -> Result<T, ModelError> {
    serde_json::from_str(text).map_err(|error| ModelError::BadJson {
        document,
        reason: error.to_string(),
    })
}
