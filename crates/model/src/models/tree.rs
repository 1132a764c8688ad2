//! Decision trees, alone, averaged or summed.
//!
//! A tree is one array in pre-order: the child for "at most the threshold" is the next node, the other
//! one comes later. Walking always goes forward, so no artefact can make it loop.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use super::{Link, Shape};
use crate::error::ModelError;
use crate::limits::OUTPUTS_MAX;
use crate::math::filled;
use crate::schema::{Task, check_parameters, within};

/// A step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// Ends the walk.
    Leaf(Leaf),
    /// Goes on at the next node, or at `right`.
    Split {
        /// The column looked at.
        column: u32,
        /// Index of the node for values above the threshold.
        right: u32,
        /// Values up to this go on at the next node.
        threshold: f64,
    },
}

/// What a leaf says: an index into [`Trees::values`], in groups of [`Trees::width`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf(pub u32);

/// Nodes in pre-order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// At least one.
    pub nodes: Vec<Node>,
}

/// One or more trees over the same columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trees {
    /// What becomes of the sums. Identity: leaves hold values or probabilities.
    pub link: Link,
    /// What each output begins with.
    pub base: Vec<f64>,
    /// Values in a leaf: as many as outputs, or 1 when tree `t` adds to output `t` mod outputs.
    pub width: u32,
    /// Whether the outputs are the mean over the trees (forest) or their sum (boosting).
    pub mean: bool,
    /// The trees.
    pub trees: Vec<Tree>,
    /// What leaves point to.
    pub values: Vec<f64>,
}

impl Trees {
    pub(crate) fn check(&self, shape: &Shape<'_>) -> Result<(), ModelError> {
        let outputs = self.base.len();
        within("outputs", outputs, OUTPUTS_MAX)?;
        check_parameters(&self.base)?;
        check_parameters(&self.values)?;
        let width = self.width as usize;
        let probabilities = shape.task == Task::Classification && self.link == Link::Identity;
        let in_range = |values: &[f64]| values.iter().all(|value| (0.0..=1.0).contains(value));
        if !shape.fits(outputs)
            || !self.link.fits(shape, outputs)
            || (width != 1 && width != outputs)
            || self.trees.is_empty()
            || (probabilities && !(self.mean && in_range(&self.values)))
            || (probabilities && (width != outputs || self.base.iter().any(|base| *base != 0.0)))
        {
            return Err(ModelError::BadArtifact {
                reason: "trees do not fit the features",
            });
        }
        let groups = self.values.len() / width;
        self.trees
            .iter()
            .try_for_each(|tree| tree.check(shape.columns, groups))
    }

    pub(crate) fn outputs<T: Copy + Into<f64>>(&self, row: &[T], fill: &[f64], out: &mut [f64]) {
        out.copy_from_slice(&self.base);
        if self.width == 1 {
            let mut output = 0;
            for tree in &self.trees {
                if let (Some(cell), Some(value)) =
                    (out.get_mut(output), self.values.get(tree.leaf(row, fill)))
                {
                    *cell += value;
                }
                output = if output + 1 < self.base.len() {
                    output + 1
                } else {
                    0
                };
            }
        } else {
            let width = self.width as usize;
            for tree in &self.trees {
                let start = tree.leaf(row, fill) * width;
                let values = self.values.get(start..start + width).unwrap_or(&[]);
                out.iter_mut()
                    .zip(values)
                    .for_each(|(cell, value)| *cell += value);
            }
        }
        if self.mean {
            let count = self.trees.len() as f64;
            out.iter_mut().for_each(|cell| *cell /= count);
        }
        self.link.apply(out);
    }
}

impl Tree {
    /// Children come later and exist, columns and leaves exist, thresholds are finite.
    fn check(&self, columns: usize, groups: usize) -> Result<(), ModelError> {
        let count = self.nodes.len();
        let right = self
            .nodes
            .iter()
            .enumerate()
            .all(|(index, node)| match node {
                Node::Leaf(Leaf(group)) => (*group as usize) < groups,
                Node::Split {
                    column,
                    right,
                    threshold,
                } => {
                    (*column as usize) < columns
                        && (*right as usize) > index + 1
                        && (*right as usize) < count
                        && threshold.is_finite()
                }
            });
        if right && count > 0 {
            Ok(())
        } else {
            Err(ModelError::BadArtifact {
                reason: "a tree has a node that leads nowhere",
            })
        }
    }

    /// The group of values of the leaf that a row ends in.
    #[inline]
    fn leaf<T: Copy + Into<f64>>(&self, row: &[T], fill: &[f64]) -> usize {
        let mut at = 0usize;
        // Checked trees end by themselves; `get` keeps unchecked ones from panicking.
        while let Some(node) = self.nodes.get(at) {
            match node {
                Node::Leaf(Leaf(group)) => return *group as usize,
                Node::Split {
                    column,
                    right,
                    threshold,
                } => {
                    let column = *column as usize;
                    let value = match (row.get(column), fill.get(column)) {
                        (Some(value), Some(fill)) => filled((*value).into(), *fill),
                        _ => 0.0,
                    };
                    at = if value <= *threshold {
                        at + 1
                    } else {
                        *right as usize
                    };
                }
            }
        }
        0
    }
}
