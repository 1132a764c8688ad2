//! Grows one tree, depth first, over the rows that it is given.

use std::collections::BTreeMap;

use offline_sync_model::models::{Leaf, Node, Tree};

use super::bins::Bins;
use crate::error::TrainError;
use crate::limits::Work;
use crate::rng::Rng;

/// A way to part the rows of a node by one column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    /// How much better the parts are than the whole; −∞ when no part may be this small.
    pub gain: f64,
    /// The last bin that goes left.
    pub below: usize,
    /// The first bin that has rows and goes right.
    pub above: usize,
}

/// What makes parts good, and what their leaves say.
pub(crate) trait Criterion {
    /// Sums over the rows of a node.
    type Total;

    /// Sums over these rows.
    fn total(&self, rows: &[u32]) -> Self::Total;

    /// Whether no split can make these rows better.
    fn is_pure(&self, rows: &[u32], total: &Self::Total) -> bool;

    /// The best split by a column; none when all rows are in one bin.
    fn best_split(
        &mut self,
        bins: &Bins,
        column: usize,
        rows: &[u32],
        total: &Self::Total,
    ) -> Option<Split>;

    /// The group of values of a leaf with these sums.
    fn leaf(&mut self, total: &Self::Total) -> u32;
}

/// Bounds of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub depth_max: usize,
    pub leaf_rows_min: usize,
    /// Columns that are tried at a node.
    pub columns_tried: usize,
}

/// Values of leaves, equal ones stored once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    pub values: Vec<f64>,
    groups: BTreeMap<Vec<u64>, u32>,
}

impl Values {
    /// The index of a group of values.
    pub(crate) fn group(&mut self, values: &[f64]) -> u32 {
        let key: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        let all = &mut self.values;
        *self.groups.entry(key).or_insert_with(|| {
            all.extend_from_slice(values);
            next
        })
    }
}

/// A part of the rows whose node is still to be made.
struct Open {
    start: usize,
    end: usize,
    depth: usize,
    /// The split whose right child this is.
    parent: Option<usize>,
}

/// Grows a tree over `rows`, which end up in the order of its leaves.
pub(crate) fn grow<C: Criterion>(
    bins: &Bins,
    rows: &mut [u32],
    shape: &Shape,
    criterion: &mut C,
    rng: &mut Rng,
    work: &mut Work<'_>,
) -> Result<Tree, TrainError> {
    let mut nodes = vec![];
    let mut columns = Columns {
        order: (0..bins.columns).collect(),
        rng,
    };
    let mut spare = vec![];
    let mut stack = vec![Open {
        start: 0,
        end: rows.len(),
        depth: 0,
        parent: None,
    }];
    while let Some(open) = stack.pop() {
        let index = nodes.len();
        if let Some(Node::Split { right, .. }) =
            open.parent.and_then(|parent| nodes.get_mut(parent))
        {
            *right = u32::try_from(index).unwrap_or(u32::MAX);
        }
        let own = &mut rows[open.start..open.end];
        let total = criterion.total(own);
        let may_split = open.depth < shape.depth_max
            && own.len() >= 2 * shape.leaf_rows_min
            && !criterion.is_pure(own, &total);
        let found = if may_split {
            choose(bins, own, shape, &total, &mut columns, criterion, work)?
        } else {
            None
        };
        let Some((column, split)) = found else {
            nodes.push(Node::Leaf(Leaf(criterion.leaf(&total))));
            continue;
        };
        let middle = open.start + partition(bins, own, column, split.below, &mut spare);
        nodes.push(Node::Split {
            column: u32::try_from(column).unwrap_or(u32::MAX),
            right: 0,
            threshold: bins.threshold(column, split.below, split.above),
        });
        let depth = open.depth + 1;
        stack.push(Open {
            start: middle,
            end: open.end,
            depth,
            parent: Some(index),
        });
        stack.push(Open {
            start: open.start,
            end: middle,
            depth,
            parent: None,
        });
    }
    Ok(Tree { nodes })
}

/// Columns in the order in which a node tries them.
struct Columns<'a> {
    order: Vec<usize>,
    rng: &'a mut Rng,
}

impl Columns<'_> {
    /// The column at a place, drawn from those not yet drawn for this node.
    fn draw(&mut self, place: usize) -> usize {
        let other = place + self.rng.below(self.order.len() - place);
        self.order.swap(place, other);
        self.order[place]
    }
}

/// The best split among some columns; columns that do not vary here are not counted as tried.
fn choose<C: Criterion>(
    bins: &Bins,
    rows: &[u32],
    shape: &Shape,
    total: &C::Total,
    columns: &mut Columns<'_>,
    criterion: &mut C,
    work: &mut Work<'_>,
) -> Result<Option<(usize, Split)>, TrainError> {
    let mut best: Option<(usize, Split)> = None;
    let mut tried = 0;
    let all = shape.columns_tried >= bins.columns;
    for place in 0..bins.columns {
        // When all are tried, their own order decides between equals.
        let column = if all { place } else { columns.draw(place) };
        let split = criterion.best_split(bins, column, rows, total);
        work.done(rows.len() * 4 + bins.count(column))?;
        let Some(split) = split else { continue };
        tried += 1;
        if split.gain > best.as_ref().map_or(1e-12, |(_, best)| best.gain) {
            best = Some((column, split));
        }
        if tried >= shape.columns_tried && best.is_some() {
            break;
        }
    }
    Ok(best)
}

/// Puts rows up to a bin first, in their order; how many they are.
fn partition(
    bins: &Bins,
    rows: &mut [u32],
    column: usize,
    below: usize,
    spare: &mut Vec<u32>,
) -> usize {
    spare.clear();
    let mut kept = 0;
    for index in 0..rows.len() {
        let row = rows[index];
        if bins.code(row, column) <= below {
            rows[kept] = row;
            kept += 1;
        } else {
            spare.push(row);
        }
    }
    rows[kept..].copy_from_slice(spare);
    kept
}
