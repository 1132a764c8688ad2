//! Columns in bins of neighbouring values.

use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::Matrix;

/// Bins of a column: their number fits a byte.
pub(crate) const BINS_MAX: usize = 256;
/// Rows that edges are estimated from when there are more.
const SAMPLE_ROWS_MAX: usize = 200_000;

/// The bin of every value, and the values of every bin.
pub(crate) struct Bins {
    pub rows: usize,
    pub columns: usize,
    /// Rows × columns.
    codes: Vec<u8>,
    /// For each column and bin: smallest and largest value in it.
    ranges: Vec<Vec<(f64, f64)>>,
}

impl Bins {
    pub(crate) fn of(matrix: &Matrix, work: &mut Work<'_>) -> Result<Self, TrainError> {
        let mut bins = Self {
            rows: matrix.rows,
            columns: matrix.columns,
            codes: vec![0; matrix.data.len()],
            ranges: vec![],
        };
        let stride = matrix.rows.div_ceil(SAMPLE_ROWS_MAX).max(1);
        for column in 0..matrix.columns {
            let mut sample: Vec<f64> = matrix
                .data
                .iter()
                .skip(column)
                .step_by(matrix.columns * stride)
                .map(|value| value + 0.0)
                .collect();
            sample.sort_unstable_by(f64::total_cmp);
            work.done(sample.len() * 20)?;
            let edges = upper_edges(&sample);
            let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); edges.len() + 1];
            for row in 0..matrix.rows {
                let cell = row * matrix.columns + column;
                let value = matrix.data[cell];
                let bin = edges.partition_point(|edge| *edge < value);
                ranges[bin].0 = ranges[bin].0.min(value);
                ranges[bin].1 = ranges[bin].1.max(value);
                bins.codes[cell] = u8::try_from(bin).unwrap_or(u8::MAX);
            }
            work.done(matrix.rows * 10)?;
            bins.ranges.push(ranges);
        }
        Ok(bins)
    }

    /// Number of bins of a column.
    pub(crate) fn count(&self, column: usize) -> usize {
        self.ranges[column].len()
    }

    /// The bin of a row in a column.
    #[inline]
    pub(crate) fn code(&self, row: u32, column: usize) -> usize {
        usize::from(self.codes[row as usize * self.columns + column])
    }

    /// A threshold that separates two bins of a column: halfway between their values.
    pub(crate) fn threshold(&self, column: usize, below: usize, above: usize) -> f64 {
        let (low, high) = (self.ranges[column][below].1, self.ranges[column][above].0);
        let middle = low + (high - low) * 0.5;
        if middle >= low && middle < high {
            middle
        } else {
            low
        }
    }
}

/// The largest value of every bin but the last, for sorted values.
fn upper_edges(sorted: &[f64]) -> Vec<f64> {
    let mut distinct: Vec<(f64, usize)> = vec![];
    for value in sorted {
        match distinct.last_mut() {
            Some((last, count)) if last == value => *count += 1,
            _ => distinct.push((*value, 1)),
        }
    }
    let mut edges = vec![];
    let mut open = 0usize;
    let mut left = sorted.len();
    let mut bins_left = BINS_MAX;
    let exact = distinct.len() <= BINS_MAX;
    for (value, count) in distinct.iter().take(distinct.len().saturating_sub(1)) {
        open += count;
        // Equal shares of what is left, so that frequent values do not use up the others' bins.
        if (exact || open * bins_left >= left) && bins_left > 1 {
            edges.push(*value);
            left -= open;
            open = 0;
            bins_left -= 1;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_distinct_values_get_a_bin_each() {
        assert_eq!(upper_edges(&[1.0, 1.0, 2.0, 5.0]), vec![1.0, 2.0]);
        assert_eq!(upper_edges(&[3.0; 9]), Vec::<f64>::new());
        assert_eq!(upper_edges(&[]), Vec::<f64>::new());
    }

    #[test]
    fn many_distinct_values_share_bins_evenly() {
        let values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let edges = upper_edges(&values);
        assert_eq!(edges.len(), BINS_MAX - 1);
        assert!(
            edges
                .windows(2)
                .all(|pair| (38.0..=41.0).contains(&(pair[1] - pair[0])))
        );
    }

    #[test]
    fn a_frequent_value_leaves_bins_to_the_others() {
        let mut values = vec![0.0; 50_000];
        values.extend((1..=1_000).map(f64::from));
        assert!(upper_edges(&values).len() > 200);
    }
}
