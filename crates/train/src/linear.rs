//! Least squares and the elastic net, solved by linfa on the factor of [`crate::gram`].

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};
use offline_sync_model::models::{Linear, Link};

use crate::error::TrainError;
use crate::gram::{Factor, Gram};
use crate::limits::Work;
use crate::matrix::{Matrix, dot};
use crate::spec::Params;

/// Parameters of the elastic net.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticNetParams {
    alpha: f64,
    l1_ratio: f64,
    max_iter: usize,
    tolerance: f64,
}

impl ElasticNetParams {
    pub(crate) fn of(params: &mut Params) -> Result<Self, TrainError> {
        Ok(Self {
            alpha: params.number("alpha", 1.0, 0.0, 1e12)?,
            l1_ratio: params.number("l1_ratio", 0.5, 0.0, 1.0)?,
            max_iter: params.count("max_iter", 1_000, 1, 100_000)?,
            tolerance: params.number("tolerance", 1e-4, 1e-12, 1.0)?,
        })
    }
}

/// Least squares; columns that others determine get the weight 0. Returns the columns left out too.
pub(crate) fn least_squares(
    matrix: &Matrix,
    target: &[f64],
    work: &mut Work<'_>,
) -> Result<(Linear, Vec<usize>), TrainError> {
    let gram = Gram::of(matrix, target, work)?;
    let factor = gram.factor(work)?;
    let mut weights = vec![0.0; matrix.columns];
    let rank = factor.pivots.len();
    if rank > 0 {
        let records = Array2::from_shape_fn((rank, rank), |(row, column)| {
            factor.rows.row(row)[factor.pivots[column]]
        });
        let dataset = Dataset::new(records, Array1::from(factor.target.clone()));
        let solved = LinearRegression::new()
            .with_intercept(false)
            .fit(&dataset)
            .map_err(no_solution)?;
        for (column, weight) in factor.pivots.iter().zip(solved.params()) {
            weights[*column] = *weight;
        }
    }
    let aliased = (0..matrix.columns)
        .filter(|column| !factor.pivots.contains(column))
        .collect();
    Ok((model(&gram, weights), aliased))
}

/// The elastic net, with penalties as scikit-learn defines them.
pub(crate) fn elastic_net(
    matrix: &Matrix,
    target: &[f64],
    params: &ElasticNetParams,
    work: &mut Work<'_>,
) -> Result<Linear, TrainError> {
    let gram = Gram::of(matrix, target, work)?;
    let Factor {
        pivots,
        rows,
        target,
        ..
    } = gram.factor(work)?;
    let rank = pivots.len();
    if rank == 0 || target.iter().all(|value| *value == 0.0) {
        return Ok(model(&gram, vec![0.0; matrix.columns]));
    }
    let records = Array2::from_shape_vec((rank, matrix.columns), rows.data).map_err(no_solution)?;
    let dataset = Dataset::new(records, Array1::from(target));
    // linfa's penalty is relative to the number of rows, of which the factor has fewer.
    let penalty = params.alpha * gram.rows as f64 / rank as f64;
    // linfa cannot be asked to stop: it is given few iterations, then twice as many, until they do.
    let mut iterations = 32.min(params.max_iter);
    loop {
        let solved = ElasticNet::params()
            .penalty(penalty)
            .l1_ratio(params.l1_ratio)
            .tolerance(params.tolerance)
            .max_iterations(u32::try_from(iterations).unwrap_or(u32::MAX))
            .with_intercept(false)
            .fit(&dataset)
            .map_err(no_solution)?;
        work.done(rank * matrix.columns * iterations * 4)?;
        let finished = (solved.n_steps() as usize) < iterations || iterations == params.max_iter;
        if finished {
            return Ok(model(&gram, solved.hyperplane().to_vec()));
        }
        iterations = (iterations * 2).min(params.max_iter);
    }
}

fn model(gram: &Gram, weights: Vec<f64>) -> Linear {
    let intercept = gram.target_mean - dot(&weights, &gram.means);
    Linear {
        link: Link::Identity,
        intercepts: vec![intercept],
        weights,
    }
}

fn no_solution(error: impl std::fmt::Display) -> TrainError {
    TrainError::NoSolution {
        reason: error.to_string(),
    }
}
