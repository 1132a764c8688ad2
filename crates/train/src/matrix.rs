//! Numbers in rows and columns.

/// A matrix stored row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns; at least 1.
    pub columns: usize,
    /// Rows × columns.
    pub data: Vec<f64>,
}

impl Matrix {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            data: vec![0.0; rows * columns],
        }
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.columns)
    }

    /// One row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.columns..(row + 1) * self.columns]
    }

    /// Bytes of a matrix of this size.
    #[must_use]
    pub fn bytes(rows: usize, columns: usize) -> usize {
        rows.saturating_mul(columns).saturating_mul(8)
    }
}

/// Dot product in four lanes.
#[inline]
#[must_use]
pub fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0f64; 4];
    let (lefts, rights) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = lefts
        .remainder()
        .iter()
        .zip(rights.remainder())
        .map(|(left, right)| left * right)
        .sum();
    for (left, right) in lefts.zip(rights) {
        for lane in 0..4 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
}

/// Adds `factor` times `row` to `sums`.
#[inline]
pub fn add_scaled(sums: &mut [f64], factor: f64, row: &[f64]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}
