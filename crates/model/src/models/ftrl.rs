//! FTRL-proximal: logistic regression that goes on learning row by row.

use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{Linear, Link, Shape, weights_of};
use crate::error::ModelError;
use crate::schema::{Feature, Task, check_parameters};

/// The learner's state, over columns scaled by their features' mean and scale, the constant last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ftrl {
    /// Learning rate; positive.
    pub alpha: f64,
    /// Smoothing of the learning rate; not negative, and with `l2` not both 0.
    pub beta: f64,
    /// Penalty that makes weights 0.
    pub l1: f64,
    /// Penalty that makes weights small.
    pub l2: f64,
    /// For each column and the constant: accumulated gradients.
    pub z: Vec<f64>,
    /// For each column and the constant: accumulated squared gradients; not negative.
    pub n: Vec<f64>,
    /// Rows learned from so far.
    pub rows: u64,
}

impl Ftrl {
    pub(crate) fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        let rates = [self.alpha, self.beta, self.l1, self.l2];
        check_parameters(&rates)?;
        check_parameters(&self.z)?;
        check_parameters(&self.n)?;
        let bad_rates = self.alpha < 1e-6
            || rates.iter().any(|rate| *rate < 0.0)
            || self.beta.max(self.l2) < 1e-6
            || self.n.iter().any(|sum| *sum < 0.0);
        let length = shape.columns.checked_add(1);
        if shape.task != Task::Classification
            || shape.labels != 2
            || bad_rates
            || Some(self.z.len()) != length
            || Some(self.n.len()) != length
        {
            return Err(ModelError::BadArtifact {
                reason: "the state does not fit the features",
            });
        }
        // What is computed from the state has to be within range as well.
        let linear = self.linear(shape.features);
        check_parameters(&linear.weights)?;
        check_parameters(&linear.intercepts)
    }

    /// The weight of one column in scaled units.
    #[must_use]
    pub fn weight(&self, column: usize) -> f64 {
        let z = self.z.get(column).copied().unwrap_or(0.0);
        let n = self.n.get(column).copied().unwrap_or(0.0);
        // The constant is not penalised: a rare label needs it.
        let (l1, l2) = if column + 1 == self.z.len() {
            (0.0, 0.0)
        } else {
            (self.l1, self.l2)
        };
        if z.abs() <= l1 {
            return 0.0;
        }
        let sign = if z < 0.0 { -1.0 } else { 1.0 };
        let rate = (self.beta + libm::sqrt(n)) / self.alpha + l2;
        if rate > 0.0 {
            (sign * l1 - z) / rate
        } else {
            0.0
        }
    }

    /// The weights in the features' own units.
    #[must_use]
    pub fn linear(&self, features: &[Feature]) -> Linear {
        let scales = weights_of(features);
        let mut weights = vec![0.0; scales.len()];
        let mut intercept = self.weight(scales.len());
        for (column, (mean, scale)) in scales.iter().enumerate() {
            let weight = self.weight(column) / scale;
            weights[column] = weight;
            intercept -= weight * mean;
        }
        Linear {
            link: Link::Logistic,
            intercepts: vec![intercept],
            weights,
        }
    }
}
