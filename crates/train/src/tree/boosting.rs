//! Gradient boosting: each tree corrects what those before it got wrong.

use offline_sync_model::models::{Leaf, Link, Node, Tree, Trees};

use super::bins::Bins;
use super::forest::NODE_BYTES;
use super::grow::{Shape, grow};
use super::sums::Sums;
use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::Matrix;
use crate::rng::Rng;
use crate::spec::Params;

/// Smallest second derivative: keeps steps finite where a class is already certain.
const CURVATURE_MIN: f64 = 1e-4;

/// Parameters of boosting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BoostingParams {
    rounds: usize,
    rate: f64,
    depth_max: usize,
    leaf_rows_min: usize,
    l2: f64,
    subsample: f64,
}

impl BoostingParams {
    /// `rows` train. A small table would not be split at all with leaves as large as by default.
    pub(crate) fn of(params: &mut Params, rows: usize) -> Result<Self, TrainError> {
        Ok(Self {
            rounds: params.count("rounds", 100, 1, 10_000)?,
            rate: params.number("learning_rate", 0.1, 1e-4, 1.0)?,
            depth_max: params.count("max_depth", 6, 1, 64)?,
            leaf_rows_min: params.count("min_leaf", 20.min(rows / 8).max(1), 1, 1_000_000)?,
            l2: params.number("l2", 0.0, 0.0, 1e9)?,
            subsample: params.number("subsample", 1.0, 0.05, 1.0)?,
        })
    }
}

/// Boosts trees. `classes` is 0 for regression, else the number of classes that `targets` index.
pub(crate) fn fit(
    matrix: &Matrix,
    bins: &Bins,
    targets: &[f64],
    classes: usize,
    params: &BoostingParams,
    seed: u64,
    work: &mut Work<'_>,
) -> Result<Trees, TrainError> {
    let outputs = if classes > 2 { classes } else { 1 };
    let base = base(targets, classes);
    let mut scores = Matrix {
        rows: matrix.rows,
        columns: outputs,
        data: base.repeat(matrix.rows),
    };
    let mut sums = Sums::new(
        vec![(0.0, 0.0); matrix.rows],
        params.leaf_rows_min,
        params.l2,
        params.rate,
    );
    let shape = Shape {
        depth_max: params.depth_max,
        leaf_rows_min: params.leaf_rows_min,
        columns_tried: bins.columns,
    };
    let mut rng = Rng::new(seed, 4);
    let mut trees: Vec<Tree> = vec![];
    let mut nodes = 0usize;
    for _ in 0..params.rounds {
        let mut rows: Vec<u32> = (0..matrix.rows)
            .filter(|_| params.subsample == 1.0 || rng.unit() < params.subsample)
            .map(|row| u32::try_from(row).unwrap_or(u32::MAX))
            .collect();
        if rows.is_empty() {
            rows.push(0);
        }
        let before = scores.clone();
        for output in 0..outputs {
            derivatives(&before, targets, classes, output, &mut sums.rows);
            let tree = grow(bins, &mut rows, &shape, &mut sums, &mut rng, work)?;
            for (row, score) in matrix.iter().zip(scores.data.chunks_exact_mut(outputs)) {
                score[output] += sums.values.values[leaf(&tree, row)];
            }
            work.done(matrix.rows * (params.depth_max * 3 + outputs * 10))?;
            nodes += tree.nodes.len();
            work.reserve(&[
                nodes.saturating_mul(NODE_BYTES),
                Matrix::bytes(matrix.rows, outputs * 2),
            ])?;
            trees.push(tree);
        }
    }
    let link = match classes {
        0 => Link::Identity,
        1 | 2 => Link::Logistic,
        _ => Link::Softmax,
    };
    Ok(Trees {
        link,
        base,
        width: 1,
        mean: false,
        trees,
        values: sums.values.values,
    })
}

/// What a row scores before the first tree: the mean, or the logarithms of the classes' shares.
fn base(targets: &[f64], classes: usize) -> Vec<f64> {
    let count = targets.len() as f64;
    match classes {
        0 => vec![targets.iter().sum::<f64>() / count],
        1 | 2 => {
            let share = (targets.iter().sum::<f64>() / count).clamp(1e-9, 1.0 - 1e-9);
            vec![(share / (1.0 - share)).ln()]
        }
        _ => (0..classes)
            .map(|class| {
                let rows = targets
                    .iter()
                    .filter(|target| **target as usize == class)
                    .count();
                (rows as f64 / count).max(1e-9).ln()
            })
            .collect(),
    }
}

/// For each row the curvature of the loss and minus its slope.
fn derivatives(
    scores: &Matrix,
    targets: &[f64],
    classes: usize,
    output: usize,
    out: &mut [(f64, f64)],
) {
    for ((score, target), out) in scores.iter().zip(targets).zip(out) {
        *out = match classes {
            0 => (1.0, target - score[0]),
            1 | 2 => {
                let share = 1.0 / (1.0 + (-score[0]).exp());
                ((share * (1.0 - share)).max(CURVATURE_MIN), target - share)
            }
            _ => {
                let top = score.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = score.iter().map(|score| (score - top).exp()).sum();
                let share = (score[output] - top).exp() / sum;
                let is = if *target as usize == output { 1.0 } else { 0.0 };
                ((share * (1.0 - share)).max(CURVATURE_MIN), is - share)
            }
        };
    }
}

/// The leaf of a row.
fn leaf(tree: &Tree, row: &[f64]) -> usize {
    let mut at = 0;
    loop {
        match tree.nodes[at] {
            Node::Leaf(Leaf(group)) => return group as usize,
            Node::Split {
                column,
                right,
                threshold,
            } => {
                at = if row[column as usize] <= threshold {
                    at + 1
                } else {
                    right as usize
                };
            }
        }
    }
}
