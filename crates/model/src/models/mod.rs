//! The models: what each stores, and how it turns the columns of a row into outputs.
//!
//! Columns are in the features' own units: training folds any scaling into the parameters, so scoring
//! does not pay for it. A column that is not finite counts as the `fill` of its feature.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::schema::{Algorithm, Feature, Task};

pub mod bayes;
pub mod ftrl;
pub mod kmeans;
pub mod linear;
pub mod tree;
pub mod vectors;

pub use bayes::GaussianNb;
pub use ftrl::Ftrl;
pub use kmeans::Kmeans;
pub use linear::{Linear, Link};
pub use tree::{Leaf, Node, Tree, Trees};
pub use vectors::Vectors;

/// The parameters of a trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Model {
    /// Weighted sums: linear, elastic net, logistic, multinomial naive Bayes, components.
    Linear(Linear),
    /// Gaussian naive Bayes.
    GaussianNb(GaussianNb),
    /// A tree, a forest or boosted trees.
    Trees(Trees),
    /// Cluster centres.
    Kmeans(Kmeans),
    /// The state of FTRL, which further rows can go on from.
    Ftrl(Ftrl),
    /// Vectors of items or users; scores no rows.
    Vectors(Vectors),
}

/// What the parts of a model have to agree on.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// What the outputs mean.
    pub task: Task,
    /// Classes of a classifier, 0 for other tasks.
    pub labels: usize,
    /// Columns of a row.
    pub columns: usize,
    /// The features, for models that keep their own scaling.
    pub features: &'a [Feature],
}

impl Shape<'_> {
    /// Whether a model of this many outputs fits: a classifier of two classes may have one output, the
    /// probability of the second.
    fn fits(&self, outputs: usize) -> bool {
        match self.task {
            Task::Classification => outputs == self.labels || (outputs == 1 && self.labels == 2),
            Task::Regression => outputs == 1,
            Task::Clustering | Task::Components => outputs > 0,
            Task::Retrieval => false,
        }
    }
}

impl Model {
    /// Number of outputs that [`Model::outputs`] writes.
    #[must_use]
    pub fn output_count(&self) -> usize {
        match self {
            Self::Linear(model) => model.intercepts.len(),
            Self::GaussianNb(model) => model.offsets.len(),
            Self::Trees(model) => model.base.len(),
            Self::Kmeans(model) => model.clusters as usize,
            Self::Ftrl(_) => 1,
            Self::Vectors(_) => 0,
        }
    }

    /// Whether a model of this kind can come from this algorithm.
    pub(crate) fn matches(&self, algorithm: Algorithm, task: Task) -> bool {
        use Algorithm as A;
        match self {
            Self::Linear(_) => matches!(
                (algorithm, task),
                (A::Linear | A::ElasticNet, Task::Regression)
                    | (A::Logistic | A::MultinomialNb, Task::Classification)
                    | (A::Pca, Task::Components)
            ),
            Self::GaussianNb(_) => (algorithm, task) == (A::GaussianNb, Task::Classification),
            Self::Trees(_) => {
                matches!(algorithm, A::Tree | A::Forest | A::Boosting)
                    && matches!(task, Task::Classification | Task::Regression)
            }
            Self::Kmeans(_) => (algorithm, task) == (A::Kmeans, Task::Clustering),
            Self::Ftrl(_) => (algorithm, task) == (A::Ftrl, Task::Classification),
            Self::Vectors(_) => (algorithm, task) == (A::Vectors, Task::Retrieval),
        }
    }

    /// Whether the parameters have the sizes, ranges and order that scoring relies on.
    ///
    /// # Errors
    ///
    /// [`ModelError::BadArtifact`] or [`ModelError::OverLimit`].
    pub fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        match self {
            Self::Linear(model) => model.check(shape),
            Self::GaussianNb(model) => model.check(shape),
            Self::Trees(model) => model.check(shape),
            Self::Kmeans(model) => model.check(shape),
            Self::Ftrl(model) => model.check(shape),
            Self::Vectors(model) => model.check(shape),
        }
    }
}

/// The bounds of row `index` in a matrix of rows of `width`, stored one after the other.
pub(crate) fn matrix_row(matrix: &[f64], index: usize, width: usize) -> &[f64] {
    let start = index.saturating_mul(width);
    matrix
        .get(start..start.saturating_add(width))
        .unwrap_or(&[])
}

/// Transposes nothing and copies nothing: the rows of a matrix of rows of `width`.
pub(crate) fn matrix_rows(matrix: &[f64], width: usize) -> impl Iterator<Item = &[f64]> {
    matrix.chunks_exact(width.max(1))
}

/// A model compiled for scoring: weights that follow from the state, computed once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Derived {
    /// Nothing beyond the parameters themselves.
    Nothing,
    /// The weights of an FTRL state.
    Weights(Linear),
}

impl Derived {
    /// What has to be computed before `model` scores.
    pub(crate) fn of(model: &Model, features: &[Feature]) -> Self {
        match model {
            Model::Ftrl(state) => Self::Weights(state.linear(features)),
            _ => Self::Nothing,
        }
    }
}

impl Model {
    /// Writes the outputs for one row: probabilities, a value, distances or coordinates.
    ///
    /// `out` has [`Model::output_count`] entries; `row` and `fill` have one for each column.
    pub(crate) fn outputs<T: Copy + Into<f64>>(
        &self,
        derived: &Derived,
        row: &[T],
        fill: &[f64],
        out: &mut [f64],
    ) {
        match (self, derived) {
            (Self::Linear(model), _) | (Self::Ftrl(_), Derived::Weights(model)) => {
                model.outputs(row, fill, out);
            }
            (Self::GaussianNb(model), _) => model.outputs(row, fill, out),
            (Self::Trees(model), _) => model.outputs(row, fill, out),
            (Self::Kmeans(model), _) => model.outputs(row, fill, out),
            (Self::Ftrl(_) | Self::Vectors(_), _) => out.fill(0.0),
        }
    }
}

/// Column sums of a matrix stored row by row; a helper of models that compare whole rows.
pub(crate) fn weights_of(features: &[Feature]) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    for feature in features {
        match feature.kind {
            crate::schema::FeatureKind::Numeric { mean, scale } => pairs.push((mean, scale)),
            ref kind => pairs.extend(core::iter::repeat_n((0.0, 1.0), kind.columns())),
        }
    }
    pairs
}
