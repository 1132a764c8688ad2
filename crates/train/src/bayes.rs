//! Naive Bayes, in closed form.
//!
//! linfa-bayes has no accessor for the fitted means, variances and priors, prints to standard error while it
//! fits the multinomial model, and its incremental fit subtracts a smoothing term of another batch, so
//! rows cannot be handed over in interruptible parts. A test compares predictions with its Gaussian model.

use offline_sync_model::models::{GaussianNb, Linear, Link};

use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::{Matrix, add_scaled};
use crate::spec::Params;

/// Parameters of Gaussian naive Bayes: what variances are raised by, as a share of the largest one.
pub(crate) fn gaussian_params(params: &mut Params) -> Result<f64, TrainError> {
    params.number("var_smoothing", 1e-9, 1e-15, 1.0)
}

/// Parameters of multinomial naive Bayes: what is added to every count.
pub(crate) fn multinomial_params(params: &mut Params) -> Result<f64, TrainError> {
    params.number("alpha", 1.0, 1e-10, 1e6)
}

/// Means and variances of each column within each class.
pub(crate) fn gaussian(
    matrix: &Matrix,
    classes: &[f64],
    count: usize,
    smoothing: f64,
    work: &mut Work<'_>,
) -> Result<GaussianNb, TrainError> {
    let width = matrix.columns;
    let sizes = sizes(classes, count);
    let mut means = Matrix::zeros(count, width);
    for (row, class) in matrix.iter().zip(classes) {
        let class = *class as usize;
        add_scaled(
            &mut means.data[class * width..(class + 1) * width],
            1.0 / sizes[class],
            row,
        );
        work.done(width)?;
    }
    let mut variances = Matrix::zeros(count, width);
    for (row, class) in matrix.iter().zip(classes) {
        let class = *class as usize;
        let cells = &mut variances.data[class * width..(class + 1) * width];
        for ((cell, value), mean) in cells.iter_mut().zip(row).zip(means.row(class)) {
            *cell += (value - mean) * (value - mean) / sizes[class];
        }
        work.done(width * 2)?;
    }
    let raise = smoothing * largest_variance(matrix, work)?;
    let floor = if raise > 0.0 { raise } else { 1e-9 };
    let total = matrix.rows as f64;
    let mut model = GaussianNb {
        offsets: vec![],
        means: means.data,
        precisions: vec![],
    };
    for (class, size) in sizes.iter().enumerate() {
        let mut offset = (size / total).ln();
        for variance in variances.row(class) {
            let variance = variance + floor;
            offset -= 0.5 * (std::f64::consts::TAU * variance).ln();
            model.precisions.push(0.5 / variance);
        }
        model.offsets.push(offset);
    }
    Ok(model)
}

/// Log shares of each column within each class.
pub(crate) fn multinomial(
    matrix: &Matrix,
    classes: &[f64],
    count: usize,
    alpha: f64,
    work: &mut Work<'_>,
) -> Result<Linear, TrainError> {
    let width = matrix.columns;
    let mut sums = Matrix::zeros(count, width);
    for (row, class) in matrix.iter().zip(classes) {
        let class = *class as usize;
        add_scaled(&mut sums.data[class * width..(class + 1) * width], 1.0, row);
        work.done(width)?;
    }
    let total = matrix.rows as f64;
    let sizes = sizes(classes, count);
    let mut weights = vec![];
    for row in sums.iter() {
        let all = row.iter().sum::<f64>() + alpha * width as f64;
        weights.extend(row.iter().map(|sum| ((sum + alpha) / all).ln()));
    }
    let intercepts: Vec<f64> = sizes.iter().map(|size| (size / total).ln()).collect();
    if let ([first, second], [left, right]) = (
        weights.chunks_exact(width).collect::<Vec<_>>().as_slice(),
        intercepts.as_slice(),
    ) {
        // Of two classes only the difference matters.
        let weights = second
            .iter()
            .zip(*first)
            .map(|(second, first)| second - first)
            .collect();
        return Ok(Linear {
            link: Link::Logistic,
            intercepts: vec![right - left],
            weights,
        });
    }
    Ok(Linear {
        link: Link::Softmax,
        intercepts,
        weights,
    })
}

/// Rows of each class.
fn sizes(classes: &[f64], count: usize) -> Vec<f64> {
    let mut sizes = vec![0.0; count];
    for class in classes {
        sizes[*class as usize] += 1.0;
    }
    sizes
}

fn largest_variance(matrix: &Matrix, work: &mut Work<'_>) -> Result<f64, TrainError> {
    let count = matrix.rows as f64;
    let mut means = vec![0.0; matrix.columns];
    for row in matrix.iter() {
        add_scaled(&mut means, 1.0 / count, row);
        work.done(matrix.columns)?;
    }
    let mut variances = vec![0.0; matrix.columns];
    for row in matrix.iter() {
        for ((cell, value), mean) in variances.iter_mut().zip(row).zip(&means) {
            *cell += (value - mean) * (value - mean) / count;
        }
        work.done(matrix.columns * 2)?;
    }
    Ok(variances.into_iter().fold(0.0, f64::max))
}
