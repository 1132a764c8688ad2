//! Splits that bring sums together: regression, two classes (as 0 and 1, where it is the same as Gini),
//! and gradients of boosting.

use super::bins::{BINS_MAX, Bins};
use super::grow::{Criterion, Split};

/// Sums over a group of rows.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// Rows, or second derivatives.
    weight: f64,
    /// Targets, or first derivatives.
    sum: f64,
    /// Rows that count towards the smallest leaf.
    count: u32,
}

impl Cell {
    fn plus(self, other: Self) -> Self {
        Self {
            weight: self.weight + other.weight,
            sum: self.sum + other.sum,
            count: self.count + other.count,
        }
    }
}

/// Weights and targets of the rows, and what becomes of a leaf.
pub(crate) struct Sums {
    /// For each row: weight and weighted target.
    pub rows: Vec<(f64, f64)>,
    /// Added to the weight of every group.
    pub l2: f64,
    /// What a leaf's mean is multiplied by.
    pub rate: f64,
    /// Fewest rows of a leaf.
    pub leaf_rows_min: usize,
    /// Values of the leaves so far.
    pub values: super::grow::Values,
    histogram: Vec<Cell>,
}

impl Sums {
    pub(crate) fn new(rows: Vec<(f64, f64)>, leaf_rows_min: usize, l2: f64, rate: f64) -> Self {
        let values = super::grow::Values::default();
        let histogram = vec![Cell::default(); BINS_MAX];
        Self {
            rows,
            l2,
            rate,
            leaf_rows_min,
            values,
            histogram,
        }
    }

    fn worth(&self, cell: Cell) -> f64 {
        cell.sum * cell.sum / (cell.weight + self.l2)
    }

    fn total(&self, rows: &[u32]) -> Cell {
        rows.iter().fold(Cell::default(), |total, row| {
            let (weight, sum) = self.rows[*row as usize];
            total.plus(Cell {
                weight,
                sum,
                count: 1,
            })
        })
    }
}

impl Criterion for Sums {
    type Total = (f64, f64, u32);

    fn total(&self, rows: &[u32]) -> Self::Total {
        let total = Self::total(self, rows);
        (total.weight, total.sum, total.count)
    }

    fn is_pure(&self, rows: &[u32], _: &Self::Total) -> bool {
        let mean = |row: &u32| {
            let (weight, sum) = self.rows[*row as usize];
            sum / weight
        };
        rows.first()
            .is_none_or(|first| rows.iter().all(|row| mean(row) == mean(first)))
    }

    fn best_split(
        &mut self,
        bins: &Bins,
        column: usize,
        rows: &[u32],
        total: &Self::Total,
    ) -> Option<Split> {
        let count = bins.count(column);
        let histogram = &mut self.histogram[..count];
        histogram.fill(Cell::default());
        for row in rows {
            let (weight, sum) = self.rows[*row as usize];
            let cell = &mut histogram[bins.code(*row, column)];
            *cell = cell.plus(Cell {
                weight,
                sum,
                count: 1,
            });
        }
        let total = Cell {
            weight: total.0,
            sum: total.1,
            count: total.2,
        };
        let parent = self.worth(total);
        let mut left = Cell::default();
        let mut below = 0;
        let mut split = Split {
            gain: f64::NEG_INFINITY,
            below: 0,
            above: 0,
        };
        let mut parts = 0;
        for (bin, cell) in self.histogram[..count].iter().enumerate() {
            if cell.count == 0 {
                continue;
            }
            parts += 1;
            let right = total.count - left.count;
            if left.count as usize >= self.leaf_rows_min && right as usize >= self.leaf_rows_min {
                let rest = Cell {
                    weight: (total.weight - left.weight).max(f64::MIN_POSITIVE),
                    sum: total.sum - left.sum,
                    count: right,
                };
                let gain = self.worth(left) + self.worth(rest) - parent;
                if gain > split.gain {
                    split = Split {
                        gain,
                        below,
                        above: bin,
                    };
                }
            }
            left = left.plus(*cell);
            below = bin;
        }
        (parts > 1).then_some(split)
    }

    fn leaf(&mut self, total: &Self::Total) -> u32 {
        let value = self.rate * total.1 / (total.0 + self.l2).max(f64::MIN_POSITIVE);
        self.values.group(&[value])
    }
}
