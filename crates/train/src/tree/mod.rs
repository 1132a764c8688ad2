//! Decision trees, forests and boosted trees over binned columns.
//!
//! linfa-trees looks at every row of the data at every node and cannot be stopped:
//! on 20,000 × 20 one tree takes six times as long as scikit-learn's, and the factor grows with the
//! rows. Here columns fall into at most 256 bins (exact where a column has no more distinct values),
//! each node counts only its own rows, and the pulse is asked between nodes.

mod bins;
mod boosting;
mod classes;
mod forest;
mod grow;
mod sums;

pub(crate) use bins::Bins;
pub(crate) use boosting::{BoostingParams, fit as fit_boosting};
pub(crate) use forest::{ForestParams, fit as fit_forest};
