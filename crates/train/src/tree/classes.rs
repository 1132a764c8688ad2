//! Splits that separate three or more classes: Gini.

use super::bins::{BINS_MAX, Bins};
use super::grow::{Criterion, Split, Values};

/// Classes and weights of the rows.
pub(crate) struct Classes {
    /// For each row: class and weight.
    pub rows: Vec<(u16, f32)>,
    /// Number of classes.
    classes: usize,
    /// Fewest rows of a leaf.
    leaf_rows_min: usize,
    /// Shares of the leaves so far.
    pub values: Values,
    /// Bins × classes: weights.
    histogram: Vec<f32>,
    /// For each bin: rows.
    counts: Vec<u32>,
    left: Vec<f64>,
}

impl Classes {
    pub(crate) fn new(rows: Vec<(u16, f32)>, classes: usize, leaf_rows_min: usize) -> Self {
        Self {
            rows,
            classes,
            leaf_rows_min,
            values: Values::default(),
            histogram: vec![0.0; BINS_MAX * classes],
            counts: vec![0; BINS_MAX],
            left: vec![0.0; classes],
        }
    }
}

/// Σ weight² / Σ weight: the larger, the purer.
fn worth(weights: &[f64]) -> f64 {
    let (sum, squares) = weights
        .iter()
        .fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
    if sum > 0.0 { squares / sum } else { 0.0 }
}

impl Criterion for Classes {
    type Total = (Vec<f64>, u32);

    fn total(&self, rows: &[u32]) -> Self::Total {
        let mut weights = vec![0.0; self.classes];
        for row in rows {
            let (class, weight) = self.rows[*row as usize];
            weights[usize::from(class)] += f64::from(weight);
        }
        (weights, u32::try_from(rows.len()).unwrap_or(u32::MAX))
    }

    fn is_pure(&self, _: &[u32], total: &Self::Total) -> bool {
        total.0.iter().filter(|weight| **weight > 0.0).count() < 2
    }

    fn best_split(
        &mut self,
        bins: &Bins,
        column: usize,
        rows: &[u32],
        total: &Self::Total,
    ) -> Option<Split> {
        let (classes, count) = (self.classes, bins.count(column));
        self.histogram[..count * classes].fill(0.0);
        self.counts[..count].fill(0);
        for row in rows {
            let (class, weight) = self.rows[*row as usize];
            let bin = bins.code(*row, column);
            self.histogram[bin * classes + usize::from(class)] += weight;
            self.counts[bin] += 1;
        }
        let parent = worth(&total.0);
        self.left.fill(0.0);
        let (mut left_rows, mut below, mut parts) = (0u32, 0, 0);
        let mut split = Split {
            gain: f64::NEG_INFINITY,
            below: 0,
            above: 0,
        };
        for bin in 0..count {
            if self.counts[bin] == 0 {
                continue;
            }
            parts += 1;
            let right_rows = total.1 - left_rows;
            if left_rows as usize >= self.leaf_rows_min && right_rows as usize >= self.leaf_rows_min
            {
                let (mut sum, mut squares) = (0.0, 0.0);
                for (all, left) in total.0.iter().zip(&self.left) {
                    sum += all - left;
                    squares += (all - left) * (all - left);
                }
                let right = if sum > 0.0 { squares / sum } else { 0.0 };
                let gain = worth(&self.left) + right - parent;
                if gain > split.gain {
                    split = Split {
                        gain,
                        below,
                        above: bin,
                    };
                }
            }
            let cells = &self.histogram[bin * classes..(bin + 1) * classes];
            self.left
                .iter_mut()
                .zip(cells)
                .for_each(|(sum, cell)| *sum += f64::from(*cell));
            left_rows += self.counts[bin];
            below = bin;
        }
        (parts > 1).then_some(split)
    }

    fn leaf(&mut self, total: &Self::Total) -> u32 {
        let sum: f64 = total.0.iter().sum();
        let shares: Vec<f64> = total
            .0
            .iter()
            .map(|weight| if sum > 0.0 { weight / sum } else { 0.0 })
            .collect();
        self.values.group(&shares)
    }
}
