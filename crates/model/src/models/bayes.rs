//! Naive Bayes over normally distributed columns.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{Shape, matrix_rows};
use crate::error::ModelError;
use crate::limits::OUTPUTS_MAX;
use crate::math::{filled, softmax};
use crate::schema::{check_parameters, within};

/// For each class: log prior and norming constant, means, and halved inverse variances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaussianNb {
    /// For each class: ln(prior) − ½ Σ ln(2πσ²).
    pub offsets: Vec<f64>,
    /// Classes × columns: means.
    pub means: Vec<f64>,
    /// Classes × columns: 1 / (2σ²); not negative.
    pub precisions: Vec<f64>,
}

impl GaussianNb {
    pub(crate) fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        let classes = self.offsets.len();
        within("outputs", classes, OUTPUTS_MAX)?;
        check_parameters(&self.offsets)?;
        check_parameters(&self.means)?;
        check_parameters(&self.precisions)?;
        let cells = classes.checked_mul(shape.columns);
        if classes != shape.labels
            || cells != Some(self.means.len())
            || cells != Some(self.precisions.len())
            || self.precisions.iter().any(|precision| *precision < 0.0)
        {
            return Err(ModelError::BadArtifact {
                reason: "classes do not fit the features",
            });
        }
        Ok(())
    }

    pub(crate) fn outputs<T: Copy + Into<f64>>(&self, row: &[T], fill: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&self.offsets);
        let classes =
            matrix_rows(&self.means, row.len()).zip(matrix_rows(&self.precisions, row.len()));
        for (log, (means, precisions)) in out.iter_mut().zip(classes) {
            for (((value, fill), mean), precision) in
                row.iter().zip(fill).zip(means).zip(precisions)
            {
                let distance = filled((*value).into(), *fill) - mean;
                *log -= distance * distance * precision;
            }
        }
        softmax(out);
    }
}
