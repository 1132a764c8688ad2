//! Principal components: eigenvectors, by linfa-linalg, of the covariance of scaled columns.
//!
//! linfa-reduction runs an iterative solver over all rows that cannot be interrupted, and divides its
//! explained variance by the number of components instead of rows.

use linfa_linalg::eigh::{EigSort, Eigh};
use ndarray::Array2;
use offline_sync_model::models::{Linear, Link};

use crate::error::TrainError;
use crate::gram::Gram;
use crate::limits::{Work, within};
use crate::matrix::{Matrix, dot};
use crate::spec::Params;

/// Columns beyond which one eigenvalue decomposition takes longer than a cancel may wait.
const COLUMNS_MAX: usize = 256;

/// Parameters: how many components.
pub(crate) fn params(params: &mut Params) -> Result<usize, TrainError> {
    params.count("components", 2, 1, 256)
}

/// Components and the share of the variance that each explains.
pub(crate) fn fit(
    matrix: &Matrix,
    components: usize,
    work: &mut Work<'_>,
) -> Result<(Linear, Vec<f64>), TrainError> {
    let width = matrix.columns;
    within("pca_columns", width, COLUMNS_MAX)?;
    let gram = Gram::of(matrix, &vec![0.0; matrix.rows], work)?;
    let degrees = (matrix.rows as f64 - 1.0).max(1.0);
    let covariance = gram.products.data.iter().map(|sum| sum / degrees).collect();
    let bad = |reason: String| TrainError::NoSolution { reason };
    let covariance = Array2::from_shape_vec((width, width), covariance)
        .map_err(|error| bad(error.to_string()))?;
    let (values, vectors) = covariance
        .eigh()
        .map_err(|error| bad(error.to_string()))?
        .sort_eig(linfa_linalg::Order::Largest);
    work.done(width * width * width * 10)?;
    let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let mut model = Linear {
        link: Link::Identity,
        intercepts: vec![],
        weights: vec![],
    };
    let mut shares = vec![];
    for index in 0..components.min(width) {
        let mut component = vectors.column(index).to_vec();
        // Of both directions the one whose largest entry is positive, so that results can be compared.
        let largest = component.iter().fold(
            0.0f64,
            |most, v| if v.abs() > most.abs() { *v } else { most },
        );
        if largest < 0.0 {
            component.iter_mut().for_each(|value| *value = -*value);
        }
        model.intercepts.push(-dot(&component, &gram.means));
        model.weights.extend_from_slice(&component);
        shares.push(if total > 0.0 {
            values[index].max(0.0) / total
        } else {
            0.0
        });
    }
    Ok((model, shares))
}
