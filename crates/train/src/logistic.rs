//! Logistic regression of two or more classes: L-BFGS over a loss and gradient found in one pass.
//!
//! linfa-logistic finds the same weights (a test compares them) and takes seven times as long as
//! scikit-learn on 100,000 × 20, since it passes over the rows separately for loss and gradient, and it
//! cannot be interrupted. `docs/models.md` has the figures.

use std::collections::VecDeque;

use offline_sync_model::models::{Linear, Link};

use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::{Matrix, add_scaled, dot};
use crate::spec::Params;

/// Steps that the curvature is estimated from.
const MEMORY: usize = 10;
/// Halvings of a step before the search gives up.
const HALVINGS_MAX: usize = 30;

/// Parameters of logistic regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogisticParams {
    l2: f64,
    max_iter: usize,
    tolerance: f64,
}

impl LogisticParams {
    pub(crate) fn of(params: &mut Params) -> Result<Self, TrainError> {
        Ok(Self {
            l2: params.number("l2", 1.0, 0.0, 1e12)?,
            max_iter: params.count("max_iter", 200, 1, 100_000)?,
            tolerance: params.number("tolerance", 1e-4, 1e-12, 1.0)?,
        })
    }
}

/// A fitted model and whether the search ended by itself.
pub(crate) struct Fit {
    pub model: Linear,
    pub iterations: usize,
    pub converged: bool,
}

/// 2 to the power of this is far from the largest number that there is.
const FACTORS_PER_LOGARITHM: u32 = 500;

/// Rows, classes and penalty.
struct Problem<'a> {
    matrix: &'a Matrix,
    classes: &'a [f64],
    /// Rows of weights: 1 for two classes, else one for each class.
    outputs: usize,
    l2: f64,
}

/// Fits weights to classes (indices as numbers), of which there are `count`.
pub(crate) fn fit(
    matrix: &Matrix,
    classes: &[f64],
    count: usize,
    params: &LogisticParams,
    work: &mut Work<'_>,
) -> Result<Fit, TrainError> {
    let outputs = if count == 2 { 1 } else { count };
    let problem = Problem {
        matrix,
        classes,
        outputs,
        l2: params.l2,
    };
    let (point, iterations, converged) = minimize(&problem, params, work)?;
    let width = matrix.columns + 1;
    let mut model = Linear {
        link: if outputs == 1 {
            Link::Logistic
        } else {
            Link::Softmax
        },
        intercepts: vec![],
        weights: Vec::with_capacity(outputs * matrix.columns),
    };
    for row in point.chunks_exact(width) {
        model.weights.extend_from_slice(&row[..matrix.columns]);
        model.intercepts.push(row[matrix.columns]);
    }
    if point.iter().all(|value| value.is_finite()) {
        Ok(Fit {
            model,
            iterations,
            converged,
        })
    } else {
        Err(TrainError::NoSolution {
            reason: "the loss is not finite".to_string(),
        })
    }
}

impl Problem<'_> {
    fn size(&self) -> usize {
        self.outputs * (self.matrix.columns + 1)
    }

    /// Mean loss at `point`; its gradient goes to `gradient`.
    fn loss(
        &self,
        point: &[f64],
        gradient: &mut [f64],
        work: &mut Work<'_>,
    ) -> Result<f64, TrainError> {
        gradient.fill(0.0);
        let loss = if self.outputs == 1 {
            self.binary(point, gradient, work)?
        } else {
            self.multinomial(point, gradient, work)?
        };
        let (columns, count) = (self.matrix.columns, self.matrix.rows as f64);
        let mut penalty = 0.0;
        for (weights, gradients) in point
            .chunks_exact(columns + 1)
            .zip(gradient.chunks_exact_mut(columns + 1))
        {
            penalty += dot(&weights[..columns], &weights[..columns]);
            add_scaled(&mut gradients[..columns], self.l2, &weights[..columns]);
        }
        gradient.iter_mut().for_each(|value| *value /= count);
        Ok((loss + 0.5 * self.l2 * penalty) / count)
    }

    fn binary(
        &self,
        point: &[f64],
        gradient: &mut [f64],
        work: &mut Work<'_>,
    ) -> Result<f64, TrainError> {
        let columns = self.matrix.columns;
        let (weights, constant) = (&point[..columns], point[columns]);
        let mut loss = 0.0;
        // Logarithms of many factors up to 2 are one logarithm of their product.
        let (mut product, mut factors) = (1.0f64, 0);
        for (row, class) in self.matrix.iter().zip(self.classes) {
            let logit = dot(row, weights) + constant;
            // One exponential of a negative number serves both loss and gradient.
            let small = (-logit.abs()).exp();
            let sigmoid = if logit >= 0.0 {
                1.0 / (1.0 + small)
            } else {
                small / (1.0 + small)
            };
            loss += logit.max(0.0) - logit * class;
            product *= 1.0 + small;
            factors += 1;
            if factors == FACTORS_PER_LOGARITHM {
                loss += product.ln();
                (product, factors) = (1.0, 0);
            }
            let error = sigmoid - class;
            add_scaled(&mut gradient[..columns], error, row);
            gradient[columns] += error;
            work.done(2 * columns + 10)?;
        }
        Ok(loss + product.ln())
    }

    fn multinomial(
        &self,
        point: &[f64],
        gradient: &mut [f64],
        work: &mut Work<'_>,
    ) -> Result<f64, TrainError> {
        let width = self.matrix.columns + 1;
        let mut logits = vec![0.0; self.outputs];
        let mut loss = 0.0;
        for (row, class) in self.matrix.iter().zip(self.classes) {
            for (logit, weights) in logits.iter_mut().zip(point.chunks_exact(width)) {
                *logit = dot(row, &weights[..width - 1]) + weights[width - 1];
            }
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let class = *class as usize;
            let own = logits[class] - top;
            let mut sum = 0.0;
            for logit in &mut logits {
                *logit = (*logit - top).exp();
                sum += *logit;
            }
            loss += sum.ln() - own;
            for (index, (share, gradients)) in logits
                .iter()
                .zip(gradient.chunks_exact_mut(width))
                .enumerate()
            {
                let error = share / sum - if index == class { 1.0 } else { 0.0 };
                add_scaled(&mut gradients[..width - 1], error, row);
                gradients[width - 1] += error;
            }
            work.done(self.outputs * (2 * width + 10))?;
        }
        Ok(loss)
    }
}

/// L-BFGS with a backtracking search; stops when no entry of the gradient exceeds the tolerance.
fn minimize(
    problem: &Problem<'_>,
    params: &LogisticParams,
    work: &mut Work<'_>,
) -> Result<(Vec<f64>, usize, bool), TrainError> {
    let mut point = vec![0.0; problem.size()];
    let mut gradient = point.clone();
    let mut next_gradient = point.clone();
    let mut loss = problem.loss(&point, &mut gradient, work)?;
    let mut history: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for iteration in 0..params.max_iter {
        if gradient.iter().all(|value| value.abs() <= params.tolerance) {
            return Ok((point, iteration, true));
        }
        let direction = direction(&gradient, &history);
        let slope = dot(&direction, &gradient);
        let mut step = if history.is_empty() {
            1.0 / dot(&gradient, &gradient).sqrt().max(1.0)
        } else {
            1.0
        };
        let mut found = None;
        for _ in 0..HALVINGS_MAX {
            let mut next = point.clone();
            add_scaled(&mut next, step, &direction);
            let next_loss = problem.loss(&next, &mut next_gradient, work)?;
            if next_loss <= loss + 1e-4 * step * slope {
                found = Some((next, next_loss));
                break;
            }
            step *= 0.5;
        }
        // No step makes the loss smaller: as near to the minimum as numbers allow.
        let Some((next, next_loss)) = found else {
            return Ok((point, iteration, true));
        };
        let moved: Vec<f64> = next
            .iter()
            .zip(&point)
            .map(|(next, point)| next - point)
            .collect();
        let bent: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(next, now)| next - now)
            .collect();
        if dot(&moved, &bent) > 1e-14 * dot(&bent, &bent) {
            if history.len() == MEMORY {
                history.pop_front();
            }
            history.push_back((moved, bent));
        }
        point = next;
        loss = next_loss;
        std::mem::swap(&mut gradient, &mut next_gradient);
    }
    Ok((point, params.max_iter, false))
}

/// Minus the gradient, times the inverse curvature that the latest steps suggest.
fn direction(gradient: &[f64], history: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|value| -value).collect();
    let mut shares = vec![];
    for (moved, bent) in history.iter().rev() {
        let share = dot(moved, &direction) / dot(moved, bent);
        add_scaled(&mut direction, -share, bent);
        shares.push(share);
    }
    if let Some((moved, bent)) = history.back() {
        let scale = dot(moved, bent) / dot(bent, bent);
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for ((moved, bent), share) in history.iter().zip(shares.iter().rev()) {
        let back = dot(bent, &direction) / dot(moved, bent);
        add_scaled(&mut direction, share - back, moved);
    }
    direction
}
