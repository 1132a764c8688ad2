//! Recommendation from implicit feedback: vectors of users and items by alternating least squares.
//!
//! Every pair of a user and an item counts: what did not meet is wanted to score 0, what did meet 1, and
//! the more confidently the more weight it has (Hu, Koren and Volinsky, 2008), against the mean weight.
//!
//! Solved to the end, a penalty takes its own size off every singular value of the matrix of pairs; what is
//! smaller vanishes. As many pairs put anywhere by chance have singular values up to a size that their number
//! and the matrix's sides tell: the penalty is a share of that, so one value serves dense and sparse, small and
//! large data. Rows with more pairs are penalised more (Rendle and others, 2021).
//!
//! Given the vectors of one side, those of the other are the solutions of small linear systems, each on
//! its own; the result depends on the seed only through where the items' vectors begin.

use offline_sync_model::limits::{DIMENSIONS_MAX, NAME_BYTES_MAX};

use crate::error::TrainError;
use crate::feedback::{Feedback, Links};
use crate::limits::Work;
use crate::rng::Rng;
use crate::spec::{Params, bad};

/// Vectors without a larger entry say nothing.
const VANISHED: f64 = 1e-6;

/// How the vectors are fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Entries of a vector.
    pub factors: usize,
    /// Penalty on squared entries, as a share of what chance alone would explain.
    pub regularization: f64,
    /// How much more a pair that met counts than one that did not, where it has the mean weight.
    pub confidence: f64,
    /// Times that both sides are solved.
    pub iterations: usize,
}

impl Settings {
    pub(crate) fn of(params: &mut Params) -> Result<Self, TrainError> {
        Ok(Self {
            factors: params.count("factors", 16, 1, DIMENSIONS_MAX.min(256))?,
            regularization: params.number("regularization", 0.7, 1e-6, 100.0)?,
            confidence: params.number("confidence", 0.7, 0.0, 1_000.0)?,
            iterations: params.count("iterations", 12, 1, 200)?,
        })
    }
}

/// Fitted vectors, one after the other, in the order of the names in [`Feedback`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Factors {
    pub users: Vec<f64>,
    pub items: Vec<f64>,
}

/// Fits vectors to feedback.
pub(crate) fn fit(
    feedback: &Feedback,
    settings: &Settings,
    seed: u64,
    work: &mut Work<'_>,
) -> Result<Factors, TrainError> {
    let factors = settings.factors;
    let (user_count, item_count) = (feedback.users.len(), feedback.items.len());
    let by_item = feedback.links.transposed(item_count);
    work.reserve(&[
        (user_count + item_count).saturating_mul(factors * 8),
        factors * factors * 16,
        by_item.bytes(),
    ])?;
    let mut rng = Rng::new(seed, 0x616c_7300);
    let spread = 1.0 / (factors as f64).sqrt();
    let mut items: Vec<f64> = (0..item_count * factors)
        .map(|_| (rng.unit() - 0.5) * spread)
        .collect();
    let mut users = vec![0.0; user_count * factors];
    let scale = Scale::of(&feedback.links, &by_item, settings)?;
    for _ in 0..settings.iterations {
        solve_side(&feedback.links, &items, &mut users, settings, &scale, work)?;
        solve_side(&by_item, &users, &mut items, settings, &scale, work)?;
    }
    Ok(Factors { users, items })
}

impl Factors {
    /// Whether there is nothing left of the vectors of one side.
    pub(crate) fn vanished(&self) -> bool {
        let gone = |entries: &[f64]| entries.iter().all(|entry| entry.abs() < VANISHED);
        gone(&self.users) || gone(&self.items)
    }
}

/// What the data make of the settings.
struct Scale {
    /// Extra weight of a pair per unit of its weight.
    confidence: f64,
    /// The penalty on a vector that is fitted to the mean number of pairs.
    penalty: f64,
}

impl Scale {
    fn of(links: &Links, by_item: &Links, settings: &Settings) -> Result<Self, TrainError> {
        let weights = || {
            (0..links.rows())
                .flat_map(|row| links.row(row))
                .map(|(_, weight)| weight)
        };
        let confidence = match weights().sum::<f64>() / links.len().max(1) as f64 {
            mean if mean > 0.0 && mean.is_finite() => settings.confidence / mean,
            // No pair, so no weight either.
            0.0 => 0.0,
            _ => return Err(unsolvable()),
        };
        let energy: f64 = weights()
            .map(|weight| (1.0 + confidence * weight).powi(2))
            .sum();
        // The largest singular value of independent entries with this sum of squares.
        let chance: f64 = [links, by_item]
            .map(|side| (energy / side.rows().max(1) as f64).sqrt())
            .iter()
            .sum();
        Ok(Self {
            confidence,
            penalty: settings.regularization * chance,
        })
    }
}

/// Solves for the vectors of one side, given those of the other.
fn solve_side(
    links: &Links,
    others: &[f64],
    solved: &mut [f64],
    settings: &Settings,
    scale: &Scale,
    work: &mut Work<'_>,
) -> Result<(), TrainError> {
    let factors = settings.factors;
    let mean = links.len() as f64 / links.rows().max(1) as f64;
    let gram = gram(others, factors, work)?;
    let mut system = vec![0.0; factors * factors];
    for (row, vector) in solved.chunks_exact_mut(factors).enumerate() {
        let met = links.row(row);
        vector.fill(0.0);
        if met.is_empty() {
            continue;
        }
        system.copy_from_slice(&gram);
        let penalty = scale.penalty * (met.len() as f64 / mean).sqrt();
        for diagonal in system.iter_mut().step_by(factors + 1) {
            *diagonal += penalty;
        }
        for &(other, weight) in met {
            let start = other as usize * factors;
            let other = &others[start..start + factors];
            let extra = scale.confidence * weight;
            add_outer(&mut system, other, extra);
            for (sum, value) in vector.iter_mut().zip(other) {
                *sum += (1.0 + extra) * value;
            }
        }
        solve(&mut system, vector, factors)?;
        work.done(factors * factors * (met.len() + factors / 3 + 1))?;
    }
    Ok(())
}

/// The sum of the outer products of all vectors with themselves; the lower half.
fn gram(vectors: &[f64], factors: usize, work: &mut Work<'_>) -> Result<Vec<f64>, TrainError> {
    let mut sum = vec![0.0; factors * factors];
    for vector in vectors.chunks_exact(factors) {
        add_outer(&mut sum, vector, 1.0);
        work.done(factors * factors)?;
    }
    Ok(sum)
}

/// Adds the outer product of a vector with itself, `times` over, to the lower half of a matrix.
fn add_outer(matrix: &mut [f64], vector: &[f64], times: f64) {
    for (index, row) in matrix.chunks_exact_mut(vector.len()).enumerate() {
        let left = times * vector[index];
        for (sum, right) in row[..=index].iter_mut().zip(vector) {
            *sum += left * right;
        }
    }
}

fn unsolvable() -> TrainError {
    let reason = "the weights are too large or the regularization is too small".to_string();
    TrainError::NoSolution { reason }
}

/// Solves a symmetric positive definite system, given by its lower half, by Cholesky's factors in place.
fn solve(matrix: &mut [f64], vector: &mut [f64], size: usize) -> Result<(), TrainError> {
    for row in 0..size {
        for column in 0..=row {
            let (above, this) = matrix.split_at_mut(row * size);
            let left = &this[..column];
            let right = if column == row {
                left
            } else {
                &above[column * size..][..column]
            };
            let dot: f64 = left
                .iter()
                .zip(right)
                .map(|(left, right)| left * right)
                .sum();
            let rest = this[column] - dot;
            this[column] = if column < row {
                rest / above[column * size + column]
            } else if rest > 0.0 && rest.is_finite() {
                rest.sqrt()
            } else {
                return Err(unsolvable());
            };
        }
    }
    for row in 0..size {
        let dot: f64 = (0..row)
            .map(|column| matrix[row * size + column] * vector[column])
            .sum();
        vector[row] = (vector[row] - dot) / matrix[row * size + row];
    }
    for row in (0..size).rev() {
        let dot: f64 = (row + 1..size)
            .map(|below| matrix[below * size + row] * vector[below])
            .sum();
        vector[row] = (vector[row] - dot) / matrix[row * size + row];
    }
    Ok(())
}

/// Whether a name may stand in an artefact.
pub(crate) fn check_id(kind: &'static str, id: &str) -> Result<(), TrainError> {
    if (1..=NAME_BYTES_MAX).contains(&id.len()) {
        Ok(())
    } else {
        Err(bad(
            kind,
            &format!("a column of 1 to {NAME_BYTES_MAX} bytes"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        // [[4, 2], [2, 3]] · [1, 2] = [8, 8]; what is above the diagonal is not read.
        let mut matrix = vec![4.0, f64::NAN, 2.0, 3.0];
        let mut vector = vec![8.0, 8.0];
        solve(&mut matrix, &mut vector, 2).unwrap();
        assert!((vector[0] - 1.0).abs() < 1e-12 && (vector[1] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_matrix_that_is_not_positive_is_an_error() {
        let mut matrix = vec![1.0, 0.0, 2.0, 1.0];
        assert!(solve(&mut matrix, &mut [1.0, 1.0], 2).is_err());
    }
}
