//! Trees as one `TreeEnsemble` node.

use offline_sync_model::models::{Leaf, Node, Trees};
use offline_sync_model::{Content, Task};

use super::graph::{Graph, floats, int, ints, strings, text};

/// The arrays that both operators share.
#[derive(Default)]
struct Nodes {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    columns: Vec<i64>,
    thresholds: Vec<f64>,
    modes: Vec<&'static str>,
    yes: Vec<i64>,
    no: Vec<i64>,
}

/// The arrays of leaves.
#[derive(Default)]
struct Leaves {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    outputs: Vec<i64>,
    weights: Vec<f64>,
}

/// Adds the nodes that answer for a tree or forest.
///
/// Classifiers are sums too: what the classifying operator makes of two classes differs between
/// runtimes.
pub(super) fn add(graph: &mut Graph, content: &Content, model: &Trees, columns: &str) {
    let mut nodes = Nodes::default();
    let mut leaves = Leaves::default();
    let classifier = content.task == Task::Classification;
    for (tree, nodes_of_tree) in (0i64..).zip(&model.trees) {
        for (index, node) in (0i64..).zip(&nodes_of_tree.nodes) {
            nodes.push(tree, index, node);
            if let Node::Leaf(Leaf(group)) = node {
                for (output, share) in (0i64..).zip(shares(model, *group, classifier)) {
                    leaves.trees.push(tree);
                    leaves.nodes.push(index);
                    leaves.outputs.push(output);
                    leaves.weights.push(share);
                }
            }
        }
    }
    let outputs = if classifier { content.labels.len() } else { 1 };
    let attributes = vec![
        ints("nodes_treeids", nodes.trees),
        ints("nodes_nodeids", nodes.nodes),
        ints("nodes_featureids", nodes.columns),
        floats("nodes_values", &nodes.thresholds),
        strings("nodes_modes", &nodes.modes),
        ints("nodes_truenodeids", nodes.yes),
        ints("nodes_falsenodeids", nodes.no),
        ints("target_treeids", leaves.trees),
        ints("target_nodeids", leaves.nodes),
        ints("target_ids", leaves.outputs),
        floats("target_weights", &leaves.weights),
        int("n_targets", i64::try_from(outputs).unwrap_or(i64::MAX)),
        text("aggregate_function", "AVERAGE"),
        text("post_transform", "NONE"),
    ];
    let output = if classifier { "probabilities" } else { "value" };
    graph.ml("TreeEnsembleRegressor", &[columns], &[output], attributes);
    if classifier {
        graph.label_of_largest(output, &content.labels);
    }
}

impl Nodes {
    fn push(&mut self, tree: i64, index: i64, node: &Node) {
        self.trees.push(tree);
        self.nodes.push(index);
        match node {
            Node::Leaf(_) => {
                self.columns.push(0);
                self.thresholds.push(0.0);
                self.modes.push("LEAF");
                self.yes.push(0);
                self.no.push(0);
            }
            Node::Split {
                column,
                right,
                threshold,
            } => {
                self.columns.push(i64::from(*column));
                self.thresholds.push(f64::from(round_down(*threshold)));
                self.modes.push("BRANCH_LEQ");
                self.yes.push(index + 1);
                self.no.push(i64::from(*right));
            }
        }
    }
}

/// What a leaf adds to each output.
fn shares(model: &Trees, group: u32, classifier: bool) -> Vec<f64> {
    let width = model.width as usize;
    let start = group as usize * width;
    match model.values.get(start..start + width).unwrap_or(&[]) {
        [second] if classifier => vec![1.0 - second, *second],
        values => values.to_vec(),
    }
}

/// The largest 32-bit number that is not above: 32-bit inputs compare with it as with `value`.
fn round_down(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value {
        near.next_down()
    } else {
        near
    }
}
