//! Least-squares problems made small: n rows become at most as many rows as there are columns.
//!
//! Sums of products over all rows are gathered in blocks, between which the pulse is asked; a pivoted
//! Cholesky factor R of them has the same inner products as the centred rows, so a solver that is given
//! R and the matching right-hand side finds the same weights, however many rows there were. Columns
//! that others determine end up beyond the factor's rank.

use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::{Matrix, add_scaled};

/// A pivot below this share of its column's own sum of squares is rounding.
const RANK_TOLERANCE: f64 = 1e-10;

/// Sums of products of centred columns and a centred target.
#[derive(Clone, Debug, PartialEq)]
pub struct Gram {
    /// Number of rows summed.
    pub rows: usize,
    /// Mean of each column.
    pub means: Vec<f64>,
    /// Mean of the target.
    pub target_mean: f64,
    /// Columns × columns.
    pub products: Matrix,
    /// Products of each column with the target.
    pub with_target: Vec<f64>,
}

/// A pivoted factor of [`Gram`].
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// Columns that determine all others, in the order in which they were chosen.
    pub pivots: Vec<usize>,
    /// Pivots × columns: R, with all columns in their own order.
    pub rows: Matrix,
    /// The right-hand side that belongs to the rows of R.
    pub target: Vec<f64>,
}

impl Gram {
    pub(crate) fn of(
        matrix: &Matrix,
        target: &[f64],
        work: &mut Work<'_>,
    ) -> Result<Self, TrainError> {
        let width = matrix.columns;
        let count = matrix.rows as f64;
        let mut means = vec![0.0; width];
        for row in matrix.iter() {
            add_scaled(&mut means, 1.0 / count, row);
            work.done(width)?;
        }
        let target_mean = target.iter().sum::<f64>() / count;
        let mut products = Matrix::zeros(width, width);
        let mut with_target = vec![0.0; width];
        let mut centred = vec![0.0; width];
        for (row, target) in matrix.iter().zip(target) {
            for ((cell, value), mean) in centred.iter_mut().zip(row).zip(&means) {
                *cell = value - mean;
            }
            add_scaled(&mut with_target, target - target_mean, &centred);
            for (index, value) in centred.iter().enumerate() {
                if *value != 0.0 {
                    let start = index * width;
                    add_scaled(
                        &mut products.data[start + index..start + width],
                        *value,
                        &centred[index..],
                    );
                }
            }
            work.done(width * width / 2 + width)?;
        }
        for left in 0..width {
            for right in 0..left {
                products.data[left * width + right] = products.data[right * width + left];
            }
        }
        Ok(Self {
            rows: matrix.rows,
            means,
            target_mean,
            products,
            with_target,
        })
    }

    pub(crate) fn factor(&self, work: &mut Work<'_>) -> Result<Factor, TrainError> {
        let width = self.products.columns;
        let own: Vec<f64> = (0..width)
            .map(|index| self.products.row(index)[index])
            .collect();
        let mut left = own.clone();
        let mut factor = Factor {
            pivots: vec![],
            rows: Matrix {
                rows: 0,
                columns: width,
                data: vec![],
            },
            target: vec![],
        };
        loop {
            let pivot = (0..width)
                .filter(|column| left[*column] > own[*column] * RANK_TOLERANCE)
                .reduce(|best, column| {
                    if left[column] > left[best] {
                        column
                    } else {
                        best
                    }
                });
            let Some(pivot) = pivot else { break };
            let root = left[pivot].sqrt();
            let mut row = self.products.row(pivot).to_vec();
            let mut side = self.with_target[pivot];
            for (earlier, target) in factor.rows.iter().zip(&factor.target) {
                let share = earlier[pivot];
                add_scaled(&mut row, -share, earlier);
                side -= share * target;
            }
            row.iter_mut().for_each(|value| *value /= root);
            for (rest, value) in left.iter_mut().zip(&row) {
                *rest -= value * value;
            }
            for earlier in &factor.pivots {
                row[*earlier] = 0.0;
            }
            left[pivot] = 0.0;
            factor.pivots.push(pivot);
            factor.target.push(side / root);
            factor.rows.data.extend_from_slice(&row);
            factor.rows.rows += 1;
            work.done(width * factor.pivots.len())?;
        }
        if factor
            .target
            .iter()
            .chain(&factor.rows.data)
            .all(|value| value.is_finite())
        {
            Ok(factor)
        } else {
            Err(TrainError::NoSolution {
                reason: "sums of products overflow".to_string(),
            })
        }
    }
}
