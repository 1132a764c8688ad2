//! One tree, or the mean of many grown on rows drawn with replacement.

use offline_sync_model::models::{Link, Trees};

use super::bins::Bins;
use super::classes::Classes;
use super::grow::{Criterion, Shape, Values, grow};
use super::sums::Sums;
use crate::error::TrainError;
use crate::limits::Work;
use crate::rng::Rng;
use crate::spec::Params;

/// Bytes of a node in memory.
pub(crate) const NODE_BYTES: usize = 24;

/// Parameters of a tree or forest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ForestParams {
    trees: usize,
    depth_max: usize,
    leaf_rows_min: usize,
    columns: String,
    bootstrap: bool,
}

impl ForestParams {
    pub(crate) fn forest(params: &mut Params, classes: usize) -> Result<Self, TrainError> {
        let columns = if classes > 0 { "sqrt" } else { "all" };
        Ok(Self {
            trees: params.count("trees", 100, 1, 10_000)?,
            depth_max: params.count("max_depth", 16, 1, 64)?,
            leaf_rows_min: params.count("min_leaf", 1, 1, 1_000_000)?,
            columns: params.choice("max_features", columns, &["sqrt", "log2", "all"])?,
            bootstrap: params.choice("bootstrap", "on", &["on", "off"])? == "on",
        })
    }

    pub(crate) fn tree(params: &mut Params) -> Result<Self, TrainError> {
        Ok(Self {
            trees: 1,
            depth_max: params.count("max_depth", 16, 1, 64)?,
            leaf_rows_min: params.count("min_leaf", 1, 1, 1_000_000)?,
            columns: "all".to_string(),
            bootstrap: false,
        })
    }

    fn shape(&self, columns: usize) -> Shape {
        let tried = match self.columns.as_str() {
            "sqrt" => (columns as f64).sqrt() as usize,
            "log2" => (columns as f64).log2() as usize,
            _ => columns,
        };
        Shape {
            depth_max: self.depth_max,
            leaf_rows_min: self.leaf_rows_min,
            columns_tried: tried.max(1),
        }
    }
}

/// Grows the trees. `classes` is 0 for regression, else the number of classes that `targets` index.
pub(crate) fn fit(
    bins: &Bins,
    targets: &[f64],
    classes: usize,
    params: &ForestParams,
    seed: u64,
    work: &mut Work<'_>,
) -> Result<Trees, TrainError> {
    if classes > 2 {
        let rows = vec![(0, 0.0); bins.rows];
        let mut criterion = Classes::new(rows, classes, params.leaf_rows_min);
        let trees = grow_all(
            bins,
            params,
            seed,
            &mut criterion,
            work,
            |criterion, row, times| {
                criterion.rows[row] = (targets[row] as u16, times);
            },
        )?;
        Ok(model(trees, criterion.values, classes))
    } else {
        let rows = vec![(0.0, 0.0); bins.rows];
        let mut criterion = Sums::new(rows, params.leaf_rows_min, 0.0, 1.0);
        let trees = grow_all(
            bins,
            params,
            seed,
            &mut criterion,
            work,
            |criterion, row, times| {
                criterion.rows[row] = (f64::from(times), f64::from(times) * targets[row]);
            },
        )?;
        Ok(model(trees, criterion.values, 1))
    }
}

fn model(trees: Vec<offline_sync_model::models::Tree>, values: Values, outputs: usize) -> Trees {
    Trees {
        link: Link::Identity,
        base: vec![0.0; outputs],
        width: u32::try_from(outputs).unwrap_or(u32::MAX),
        mean: true,
        trees,
        values: values.values,
    }
}

/// Grows each tree on its own draw of rows; `draw` tells the criterion how often a row was drawn.
fn grow_all<C: Criterion>(
    bins: &Bins,
    params: &ForestParams,
    seed: u64,
    criterion: &mut C,
    work: &mut Work<'_>,
    draw: impl Fn(&mut C, usize, f32),
) -> Result<Vec<offline_sync_model::models::Tree>, TrainError> {
    let shape = params.shape(bins.columns);
    let mut trees = vec![];
    let mut nodes = 0usize;
    for index in 0..params.trees {
        let mut rng = Rng::new(seed, 1_000 + index as u64);
        let mut times = vec![0.0f32; bins.rows];
        if params.bootstrap {
            for _ in 0..bins.rows {
                times[rng.below(bins.rows)] += 1.0;
            }
        } else {
            times.fill(1.0);
        }
        let mut rows = vec![];
        for (row, times) in times.iter().enumerate().filter(|(_, times)| **times > 0.0) {
            draw(criterion, row, *times);
            rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        work.done(bins.rows * 8)?;
        let tree = grow(bins, &mut rows, &shape, criterion, &mut rng, work)?;
        nodes += tree.nodes.len();
        work.reserve(&[nodes.saturating_mul(NODE_BYTES), bins.rows * bins.columns])?;
        trees.push(tree);
    }
    Ok(trees)
}
