//! Vectors of items or users, for recommendation and similarity.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::Shape;
use crate::error::ModelError;
use crate::limits::DIMENSIONS_MAX;
use crate::rank::{Hit, Metric, top_k};
use crate::schema::{check_name, within};

/// Named vectors of one length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vectors {
    /// Length of each vector; at least 1.
    pub dimensions: u32,
    /// Names, in the order of the vectors, sorted without repetition.
    pub ids: Vec<String>,
    /// The vectors, one after the other.
    pub data: Vec<f32>,
}

impl Vectors {
    pub(crate) fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        let dimensions = self.dimensions as usize;
        within("dimensions", dimensions, DIMENSIONS_MAX)?;
        self.ids.iter().try_for_each(|id| check_name(id))?;
        if shape.columns != 0
            || dimensions == 0
            || self.ids.len().checked_mul(dimensions) != Some(self.data.len())
            || self.data.iter().any(|value| !value.is_finite())
            || self.ids.windows(2).any(|pair| pair[0] >= pair[1])
        {
            return Err(ModelError::BadArtifact {
                reason: "the vectors do not fit their names",
            });
        }
        Ok(())
    }

    /// The vector of a name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&[f32]> {
        let index = self
            .ids
            .binary_search_by(|known| known.as_str().cmp(id))
            .ok()?;
        let start = index * self.dimensions as usize;
        self.data.get(start..start + self.dimensions as usize)
    }

    /// The mean of the vectors of these names, as often as they are given; `None` where none of them is known.
    #[must_use]
    pub fn mean(&self, ids: &[String]) -> Option<Vec<f32>> {
        let mut sums = vec![0.0_f64; self.dimensions as usize];
        let mut known = 0_u32;
        for vector in ids.iter().filter_map(|id| self.get(id)) {
            known += 1;
            for (sum, entry) in sums.iter_mut().zip(vector) {
                *sum += f64::from(*entry);
            }
        }
        let rounded = |sum: &f64| (sum / f64::from(known)) as f32;
        (known > 0).then(|| sums.iter().map(rounded).collect())
    }

    /// The `count` vectors nearest to `query`, best first; equals in the order of their names.
    ///
    /// # Errors
    ///
    /// [`ModelError::WrongLength`] when `query` has another length than the vectors.
    pub fn nearest(
        &self,
        query: &[f32],
        count: usize,
        metric: Metric,
    ) -> Result<Vec<(&str, f64)>, ModelError> {
        let hits = top_k(query, &self.data, self.dimensions as usize, count, metric)?;
        Ok(hits
            .into_iter()
            .filter_map(|Hit { index, score }| Some((self.ids.get(index)?.as_str(), score)))
            .collect())
    }
}
