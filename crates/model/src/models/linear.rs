//! Weighted sums of columns, and what is made of them.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{Shape, matrix_row, matrix_rows};
use crate::error::ModelError;
use crate::limits::OUTPUTS_MAX;
use crate::math::{dot_filled, sigmoid, softmax};
use crate::schema::{check_parameters, within};

/// What becomes of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// Nothing: they are the outputs.
    Identity,
    /// One sum is the log-odds of the second label.
    Logistic,
    /// The sums are log-probabilities up to a constant.
    Softmax,
}

impl Link {
    /// Applies the link to sums in place.
    pub(crate) fn apply(self, out: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Logistic => out.iter_mut().for_each(|logit| *logit = sigmoid(*logit)),
            Self::Softmax => softmax(out),
        }
    }

    /// Whether the link fits a number of outputs.
    pub(crate) fn fits(self, shape: &Shape<'_>, outputs: usize) -> bool {
        let classifier = shape.task == crate::schema::Task::Classification;
        match self {
            Self::Identity => true,
            Self::Logistic => classifier && outputs == 1,
            Self::Softmax => classifier && outputs > 1,
        }
    }
}

/// One weighted sum for each output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// What becomes of the sums.
    pub link: Link,
    /// One constant for each output.
    pub intercepts: Vec<f64>,
    /// One row of weights, as long as the columns, for each output.
    pub weights: Vec<f64>,
}

impl Linear {
    pub(crate) fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        let outputs = self.intercepts.len();
        within("outputs", outputs, OUTPUTS_MAX)?;
        check_parameters(&self.intercepts)?;
        check_parameters(&self.weights)?;
        let right_link = match shape.task {
            crate::schema::Task::Classification => self.link != Link::Identity,
            _ => self.link == Link::Identity,
        };
        if !shape.fits(outputs)
            || !right_link
            || !self.link.fits(shape, outputs)
            || outputs.checked_mul(shape.columns) != Some(self.weights.len())
        {
            return Err(ModelError::BadArtifact {
                reason: "weights do not fit the features",
            });
        }
        Ok(())
    }

    /// The sum of one output, before the link.
    #[inline]
    pub(crate) fn sum<T: Copy + Into<f64>>(&self, output: usize, row: &[T], fill: &[f64]) -> f64 {
        let weights = matrix_row(&self.weights, output, row.len());
        dot_filled(row, fill, weights) + self.intercepts.get(output).copied().unwrap_or(0.0)
    }

    pub(crate) fn outputs<T: Copy + Into<f64>>(&self, row: &[T], fill: &[f64], out: &mut [f64]) {
        if row.is_empty() {
            out.copy_from_slice(&self.intercepts);
        } else {
            let rows = matrix_rows(&self.weights, row.len());
            for ((cell, weights), intercept) in out.iter_mut().zip(rows).zip(&self.intercepts) {
                *cell = dot_filled(row, fill, weights) + intercept;
            }
        }
        self.link.apply(out);
    }
}
