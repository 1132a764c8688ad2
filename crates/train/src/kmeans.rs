//! k-means: k-means++ and Lloyd's iterations.
//!
//! linfa-clustering hands every assignment step to a thread pool; a backend must not start threads.

use offline_sync_model::models::Kmeans;

use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::{Matrix, add_scaled};
use crate::rng::Rng;
use crate::spec::Params;

/// Parameters of k-means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KmeansParams {
    clusters: usize,
    runs: usize,
    max_iter: usize,
    tolerance: f64,
}

impl KmeansParams {
    pub(crate) fn of(params: &mut Params) -> Result<Self, TrainError> {
        Ok(Self {
            clusters: params.count("clusters", 8, 1, 256)?,
            runs: params.count("runs", 3, 1, 100)?,
            max_iter: params.count("max_iter", 300, 1, 10_000)?,
            tolerance: params.number("tolerance", 1e-5, 0.0, 1.0)?,
        })
    }

    pub(crate) fn clusters(&self) -> usize {
        self.clusters
    }
}

/// Centres of scaled columns, in scaled units.
pub(crate) fn fit(
    matrix: &Matrix,
    params: &KmeansParams,
    seed: u64,
    work: &mut Work<'_>,
) -> Result<Matrix, TrainError> {
    let mut rng = Rng::new(seed, 2);
    let mut best: Option<(f64, Matrix)> = None;
    for _ in 0..params.runs {
        let mut centres = spread(matrix, params.clusters, &mut rng, work)?;
        let mut inertia = f64::INFINITY;
        for _ in 0..params.max_iter {
            let (next, next_inertia) = step(matrix, &centres, work)?;
            let settled = inertia - next_inertia <= params.tolerance * next_inertia;
            centres = next;
            inertia = next_inertia;
            if settled {
                break;
            }
        }
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, centres));
        }
    }
    best.map(|(_, centres)| centres)
        .ok_or(TrainError::NoSolution {
            reason: "no clusters".to_string(),
        })
}

/// The model in the features' own units.
pub(crate) fn model(centres: &Matrix, scales: &[(f64, f64)]) -> Kmeans {
    let mut own = vec![];
    for centre in centres.iter() {
        own.extend(
            centre
                .iter()
                .zip(scales)
                .map(|(value, (mean, scale))| value * scale + mean),
        );
    }
    Kmeans {
        clusters: u32::try_from(centres.rows).unwrap_or(u32::MAX),
        centres: own,
        weights: scales
            .iter()
            .map(|(_, scale)| 1.0 / (scale * scale))
            .collect(),
    }
}

/// k-means++: each centre a row, the likelier the farther it is from those before.
fn spread(
    matrix: &Matrix,
    clusters: usize,
    rng: &mut Rng,
    work: &mut Work<'_>,
) -> Result<Matrix, TrainError> {
    let mut centres = Matrix {
        rows: 0,
        columns: matrix.columns,
        data: vec![],
    };
    let mut distances = vec![f64::INFINITY; matrix.rows];
    let mut chosen = rng.below(matrix.rows);
    loop {
        centres.data.extend_from_slice(matrix.row(chosen));
        centres.rows += 1;
        if centres.rows == clusters {
            return Ok(centres);
        }
        let mut sum = 0.0;
        for (row, distance) in matrix.iter().zip(&mut distances) {
            *distance = distance.min(squared(row, matrix.row(chosen)));
            sum += *distance;
            work.done(matrix.columns)?;
        }
        let mut target = rng.unit() * sum;
        chosen = distances
            .iter()
            .position(|distance| {
                target -= distance;
                target < 0.0
            })
            .unwrap_or(0);
    }
}

/// Moves every centre to the mean of its rows; the sum of squared distances before.
fn step(
    matrix: &Matrix,
    centres: &Matrix,
    work: &mut Work<'_>,
) -> Result<(Matrix, f64), TrainError> {
    let mut sums = Matrix::zeros(centres.rows, centres.columns);
    let mut counts = vec![0.0; centres.rows];
    let (mut inertia, mut farthest) = (0.0, (0.0, 0));
    for (index, row) in matrix.iter().enumerate() {
        let (cluster, distance) = nearest(row, centres);
        let start = cluster * sums.columns;
        add_scaled(&mut sums.data[start..start + row.len()], 1.0, row);
        counts[cluster] += 1.0;
        inertia += distance;
        if distance > farthest.0 {
            farthest = (distance, index);
        }
        work.done(centres.data.len() * 2)?;
    }
    for (cluster, count) in counts.iter().enumerate() {
        let start = cluster * sums.columns;
        let sum = &mut sums.data[start..start + matrix.columns];
        if *count > 0.0 {
            sum.iter_mut().for_each(|value| *value /= count);
        } else {
            // A centre without rows starts again where rows are worst served.
            sum.copy_from_slice(matrix.row(farthest.1));
        }
    }
    Ok((sums, inertia))
}

/// The nearest centre of a row and its squared distance; the first of equals.
pub(crate) fn nearest(row: &[f64], centres: &Matrix) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (index, centre) in centres.iter().enumerate() {
        let distance = squared(row, centre);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best
}

/// Squared distance.
pub(crate) fn squared(left: &[f64], right: &[f64]) -> f64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| (left - right) * (left - right))
        .sum()
}
