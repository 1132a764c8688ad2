//! Exact nearest neighbours. Among equals the first vector wins, on every platform.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::error::ModelError;

/// How alike two vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Dot product.
    Dot,
    /// Cosine of the angle; 0 when one of the vectors is 0.
    Cosine,
}

/// A vector that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its position among the vectors, from 0.
    pub index: usize,
    /// How alike it is; larger is more.
    pub score: f64,
}

/// Order of answers: larger scores first, then smaller positions. The worst is the greatest, so that a
/// heap of the best has the next one to leave on top.
impl Ord for Hit {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Hit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Hit {}

/// The `count` vectors most like `query`, best first.
///
/// `vectors` holds vectors of `dimensions` entries one after the other; a rest is ignored. A vector
/// that has no score (its entries are not finite) is left out.
///
/// # Errors
///
/// [`ModelError::WrongLength`] when `query` does not have `dimensions` entries.
pub fn top_k(
    query: &[f32],
    vectors: &[f32],
    dimensions: usize,
    count: usize,
    metric: Metric,
) -> Result<Vec<Hit>, ModelError> {
    if query.len() != dimensions || dimensions == 0 {
        return Err(ModelError::WrongLength {
            expected: dimensions,
            found: query.len(),
        });
    }
    let query_norm = libm::sqrt(dot(query, query));
    let mut best = BinaryHeap::new();
    for (index, vector) in vectors.chunks_exact(dimensions).enumerate() {
        let score = match metric {
            Metric::Dot => dot(query, vector),
            Metric::Cosine => cosine(dot(query, vector), query_norm, vector),
        };
        // Adding 0 makes -0 and 0 equal, as they are in SQL and JavaScript.
        let hit = Hit {
            index,
            score: score + 0.0,
        };
        if score.is_nan() || count == 0 {
            continue;
        }
        if best.len() < count {
            best.push(hit);
        } else if best.peek().is_some_and(|worst| hit < *worst) {
            best.pop();
            best.push(hit);
        }
    }
    Ok(best.into_sorted_vec())
}

fn cosine(dot_product: f64, query_norm: f64, vector: &[f32]) -> f64 {
    let norms = query_norm * libm::sqrt(dot(vector, vector));
    if norms > 0.0 {
        dot_product / norms
    } else {
        0.0
    }
}

/// Dot product in four lanes, joined in one fixed order: entries of 0 at the end do not change it.
#[must_use]
pub fn dot(left: &[f32], right: &[f32]) -> f64 {
    let mut sums = [0.0f64; 4];
    let (lefts, rights) = (left.chunks_exact(4), right.chunks_exact(4));
    let (left_rest, right_rest) = (lefts.remainder(), rights.remainder());
    for (left, right) in lefts.zip(rights) {
        for lane in 0..4 {
            sums[lane] += f64::from(left[lane]) * f64::from(right[lane]);
        }
    }
    for (lane, (left, right)) in left_rest.iter().zip(right_rest).enumerate() {
        sums[lane] += f64::from(*left) * f64::from(*right);
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}
