//! The parameters of a training, read and checked before anything is computed.

use offline_sync_model::{Algorithm, Task};
use serde_json::Value;

use crate::error::TrainError;
use crate::ftrl::FtrlParams;
use crate::kmeans::KmeansParams;
use crate::linear::ElasticNetParams;
use crate::logistic::LogisticParams;
use crate::matrix::Matrix;
use crate::spec::{Encoding, Spec};
use crate::tree::{BoostingParams, ForestParams};
use crate::{bayes, pca};

/// The parameters of each algorithm.
pub(crate) enum Plan {
    Linear,
    ElasticNet(ElasticNetParams),
    Logistic(LogisticParams),
    GaussianNb(f64),
    MultinomialNb(f64),
    Forest(ForestParams),
    Boosting(BoostingParams),
    Kmeans(KmeansParams),
    Pca(usize),
    Ftrl(FtrlParams),
}

impl Plan {
    /// Whether the algorithm takes columns of mean 0 and deviation 1.
    pub(crate) fn scales(&self) -> bool {
        match self {
            Self::Linear
            | Self::ElasticNet(_)
            | Self::Logistic(_)
            | Self::Kmeans(_)
            | Self::Pca(_)
            | Self::Ftrl(_) => true,
            Self::GaussianNb(_) | Self::MultinomialNb(_) | Self::Forest(_) | Self::Boosting(_) => {
                false
            }
        }
    }

    /// Bytes of the arrays that a training holds at once.
    pub(crate) fn memory(&self, rows: usize, columns: usize, classes: usize) -> Vec<usize> {
        let matrix = Matrix::bytes(rows, columns);
        let squares = Matrix::bytes(columns, columns).saturating_mul(4);
        let per_row = rows.saturating_mul(64);
        match self {
            Self::Linear | Self::ElasticNet(_) | Self::Pca(_) => vec![matrix, squares, per_row],
            Self::Forest(_) => vec![matrix, matrix / 8, per_row],
            // Scores of every class, before and after a round.
            Self::Boosting(_) => {
                vec![
                    matrix,
                    matrix / 8,
                    per_row,
                    Matrix::bytes(rows, classes.saturating_mul(2)),
                ]
            }
            Self::Logistic(_)
            | Self::GaussianNb(_)
            | Self::MultinomialNb(_)
            | Self::Kmeans(_)
            | Self::Ftrl(_) => vec![matrix, per_row],
        }
    }
}

/// Reads the parameters of the algorithm and of the features; none may be left over. `rows` train.
pub(crate) fn plan(
    spec: &mut Spec,
    task: Task,
    rows: usize,
) -> Result<(Plan, Encoding, Value), TrainError> {
    let params = &mut spec.params;
    let classes = usize::from(task == Task::Classification);
    let plan = match spec.algorithm {
        Algorithm::Linear => Plan::Linear,
        Algorithm::ElasticNet => Plan::ElasticNet(ElasticNetParams::of(params)?),
        Algorithm::Logistic => Plan::Logistic(LogisticParams::of(params)?),
        Algorithm::GaussianNb => Plan::GaussianNb(bayes::gaussian_params(params)?),
        Algorithm::MultinomialNb => Plan::MultinomialNb(bayes::multinomial_params(params)?),
        Algorithm::Tree => Plan::Forest(ForestParams::tree(params)?),
        Algorithm::Forest => Plan::Forest(ForestParams::forest(params, classes)?),
        Algorithm::Boosting => Plan::Boosting(BoostingParams::of(params, rows)?),
        Algorithm::Kmeans => Plan::Kmeans(KmeansParams::of(params)?),
        Algorithm::Pca => Plan::Pca(pca::params(params)?),
        Algorithm::Ftrl => Plan::Ftrl(FtrlParams::of(params)?),
        Algorithm::Vectors => {
            return Err(TrainError::UnknownAlgorithm {
                name: "vectors".to_string(),
            });
        }
    };
    let encoding = Encoding::of(params, !spec.categorical.is_empty(), !spec.text.is_empty())?;
    let effective = params.finish()?;
    Ok((plan, encoding, effective))
}
