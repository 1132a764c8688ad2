//! What a training tells about itself: quality on the hold-out, baseline, rows, schema, warnings.

use offline_sync_model::envelope::describe;
use offline_sync_model::limits::OUTPUTS_MAX;
use offline_sync_model::math::argmax;
use offline_sync_model::schema::columns;
use offline_sync_model::{Artifact, Task};
use serde_json::{Map, Value, json};

use crate::data::{Targets, TrainData};
use crate::error::TrainError;
use crate::features::{columns_of, scales};
use crate::kmeans::squared;
use crate::limits::Work;
use crate::metrics;
use crate::split::Split;

/// Metrics by name.
pub(crate) type Metrics = Map<String, Value>;

/// Rows of the hold-out that the silhouette is measured on.
const SILHOUETTE_ROWS_MAX: usize = 500;

/// Measures an artefact on rows of the data: what it answers is asked of the artefact itself.
///
/// Returns the metrics and those of a model that always gives the training rows' most frequent class
/// or mean.
pub(crate) fn measure(
    artifact: &Artifact,
    data: &TrainData,
    targets: &Targets,
    split: &Split,
    work: &mut Work<'_>,
) -> Result<(Metrics, Metrics), TrainError> {
    let features = &artifact.content().features;
    let mut column_values = vec![0.0; columns(features)];
    let mut outputs: Vec<Vec<f64>> = vec![];
    let mut kept: Vec<Vec<f64>> = vec![];
    let unsupervised = matches!(artifact.content().task, Task::Clustering | Task::Components);
    for row in &split.test {
        column_values.fill(0.0);
        columns_of(features, data, *row, &mut column_values);
        let mut buffer = [0.0; OUTPUTS_MAX];
        let answer = artifact.outputs(&column_values, &mut buffer)?;
        outputs.push(match (artifact.content().task, answer) {
            (Task::Classification, [second]) => vec![1.0 - second, *second],
            (_, all) => all.to_vec(),
        });
        if unsupervised {
            kept.push(column_values.clone());
        }
        work.done(column_values.len() * 2 + cost(artifact))?;
    }
    Ok(match artifact.content().task {
        Task::Classification => supervised_classes(artifact, &outputs, targets, split),
        Task::Regression => {
            let actual: Vec<f64> = split.test.iter().map(|row| targets.values[*row]).collect();
            let predicted: Vec<f64> = outputs.iter().map(|outputs| outputs[0]).collect();
            let train = split.train.iter().map(|row| targets.values[*row]);
            let mean = train.sum::<f64>() / split.train.len() as f64;
            let baseline = vec![mean; actual.len()];
            (
                metrics::regression(&predicted, &actual),
                metrics::regression(&baseline, &actual),
            )
        }
        Task::Clustering => clusters(&outputs, &kept, &scales(features)),
        Task::Components | Task::Retrieval => (
            components(artifact, &outputs, &kept, &scales(features)),
            Map::new(),
        ),
    })
}

/// Rough number of operations of one score.
fn cost(artifact: &Artifact) -> usize {
    use offline_sync_model::Model;
    match &artifact.content().model {
        Model::Trees(trees) => trees.trees.len() * 30,
        model => artifact.columns() * model.output_count().max(1) * 2,
    }
}

fn supervised_classes(
    artifact: &Artifact,
    outputs: &[Vec<f64>],
    targets: &Targets,
    split: &Split,
) -> (Metrics, Metrics) {
    let count = artifact.content().labels.len();
    let class = |row: &usize| targets.values[*row] as usize;
    let classes: Vec<usize> = split.test.iter().map(class).collect();
    let mut shares = vec![0.0; count];
    for row in &split.train {
        shares[class(row)] += 1.0 / split.train.len() as f64;
    }
    let baseline = vec![shares; classes.len()];
    (
        metrics::classification(outputs, &classes, count),
        metrics::classification(&baseline, &classes, count),
    )
}

/// Mean squared distance (inertia per row) and silhouette in scaled units; baseline: one cluster.
fn clusters(outputs: &[Vec<f64>], rows: &[Vec<f64>], scales: &[(f64, f64)]) -> (Metrics, Metrics) {
    let scaled: Vec<Vec<f64>> = rows.iter().map(|row| scale(row, scales)).collect();
    let nearest: Vec<usize> = outputs.iter().map(|outputs| argmax(outputs)).collect();
    let count = outputs.first().map_or(0, Vec::len);
    let inertia: f64 = outputs
        .iter()
        .zip(&nearest)
        .map(|(outputs, best)| -outputs[*best])
        .sum();
    let rows_count = scaled.len() as f64;
    let middle: Vec<f64> = (0..scales.len())
        .map(|column| scaled.iter().map(|row| row[column]).sum::<f64>() / rows_count)
        .collect();
    let spread: f64 = scaled.iter().map(|row| squared(row, &middle)).sum();
    let some = scaled.len().min(SILHOUETTE_ROWS_MAX);
    let mut found = Map::new();
    found.insert("inertia".into(), json!(inertia / rows_count));
    let silhouette = metrics::silhouette(&scaled[..some], &nearest[..some], count);
    found.insert("silhouette".into(), json!(silhouette));
    let mut baseline = Map::new();
    baseline.insert("inertia".into(), json!(spread / rows_count));
    (found, baseline)
}

/// Share of the variance of the rows that the components keep.
fn components(
    artifact: &Artifact,
    outputs: &[Vec<f64>],
    rows: &[Vec<f64>],
    scales: &[(f64, f64)],
) -> Map<String, Value> {
    let count = artifact.content().model.output_count();
    let variance = |values: &dyn Fn(usize) -> f64| -> f64 {
        let mean = (0..rows.len()).map(values).sum::<f64>() / rows.len() as f64;
        (0..rows.len())
            .map(|row| (values(row) - mean) * (values(row) - mean))
            .sum()
    };
    let kept: f64 = (0..count)
        .map(|index| variance(&|row| outputs[row][index]))
        .sum();
    let all: f64 = (0..scales.len())
        .map(|column| variance(&|row| rows[row][column] / scales[column].1))
        .sum();
    let mut metrics = Map::new();
    metrics.insert(
        "explained_variance".into(),
        json!((all > 0.0).then(|| kept / all)),
    );
    metrics
}

fn scale(row: &[f64], scales: &[(f64, f64)]) -> Vec<f64> {
    row.iter()
        .zip(scales)
        .map(|(value, (mean, scale))| (value - mean) / scale)
        .collect()
}

/// The metric that versions of a model are compared by; larger is better.
#[must_use]
pub fn primary(task: Task) -> &'static str {
    match task {
        Task::Classification => "accuracy",
        Task::Regression => "r2",
        Task::Clustering => "silhouette",
        Task::Components => "explained_variance",
        Task::Retrieval => crate::recommend::METRIC,
    }
}

/// What goes into a report beside the metrics.
pub(crate) struct Facts<'a> {
    pub artifact: &'a Artifact,
    pub given: usize,
    pub split: &'a Split,
    pub params: Value,
    pub details: Map<String, Value>,
    pub warnings: Vec<String>,
    pub artifact_bytes: usize,
}

/// The report as JSON.
pub(crate) fn render(
    facts: Facts<'_>,
    metrics: Map<String, Value>,
    baseline: Map<String, Value>,
) -> Value {
    let name = primary(facts.artifact.content().task);
    let used = facts.split.train.len() + facts.split.test.len();
    let mut report = describe(facts.artifact.content());
    let value = metrics.get(name).cloned().unwrap_or(Value::Null);
    report.insert("primary".into(), json!({"name": name, "value": value}));
    report.insert("metrics".into(), Value::Object(metrics));
    report.insert("baseline".into(), Value::Object(baseline));
    report.insert(
        "rows".into(),
        json!({
            "given": facts.given,
            "used": used,
            "train": facts.split.train.len(),
            "test": facts.split.test.len(),
            "without_label": facts.given - used,
        }),
    );
    if !facts.split.cuts.is_empty() {
        report.insert("cuts".into(), json!(facts.split.cuts));
    }
    report.insert("params".into(), facts.params);
    report.insert("details".into(), Value::Object(facts.details));
    report.insert("warnings".into(), json!(facts.warnings));
    report.insert("artifact_bytes".into(), json!(facts.artifact_bytes));
    Value::Object(report)
}
