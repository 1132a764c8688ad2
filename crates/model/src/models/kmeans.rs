//! Cluster centres.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{Shape, matrix_rows};
use crate::error::ModelError;
use crate::limits::OUTPUTS_MAX;
use crate::math::filled;
use crate::schema::{Task, check_parameters, within};

/// Centres in the features' own units, and how much a column's distance counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kmeans {
    /// Number of clusters.
    pub clusters: u32,
    /// Clusters × columns.
    pub centres: Vec<f64>,
    /// For each column: 1 / scale², what its squared distance is multiplied by; not negative.
    pub weights: Vec<f64>,
}

impl Kmeans {
    pub(crate) fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        let clusters = self.clusters as usize;
        within("outputs", clusters, OUTPUTS_MAX)?;
        check_parameters(&self.centres)?;
        check_parameters(&self.weights)?;
        if shape.task != Task::Clustering
            || clusters == 0
            || self.weights.len() != shape.columns
            || clusters.checked_mul(shape.columns) != Some(self.centres.len())
            || self.weights.iter().any(|weight| *weight < 0.0)
        {
            return Err(ModelError::BadArtifact {
                reason: "centres do not fit the features",
            });
        }
        Ok(())
    }

    /// Writes minus the squared distance to each centre: the nearest has the largest output.
    pub(crate) fn outputs<T: Copy + Into<f64>>(&self, row: &[T], fill: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (cell, centre) in out.iter_mut().zip(matrix_rows(&self.centres, row.len())) {
            for (((value, fill), at), weight) in row.iter().zip(fill).zip(centre).zip(&self.weights)
            {
                let distance = filled((*value).into(), *fill) - at;
                *cell -= distance * distance * weight;
            }
        }
    }
}
