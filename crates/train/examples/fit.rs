//! Trains from JSON on standard input, for comparisons with other libraries.
//!
//! Input: `{"spec": {…}, "numeric": [[…]], "categorical": [[…]], "text": [[…]], "labels": […],
//! "predict": [[…]], "onnx": true}`, where null is a missing value. `predict` holds numeric rows to score.
//! Output: `{"artifact" (base64), "report", "seconds", "scores", "labels", "onnx" (base64)}`.

use std::io::Read;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offline_sync_model::Artifact;
use offline_sync_train::{Cancelled, Labels, Pulse, TrainData, TrainLimits, to_onnx, train};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Input {
    spec: Value,
    #[serde(default)]
    numeric: Vec<Vec<Option<f64>>>,
    #[serde(default)]
    categorical: Vec<Vec<Option<String>>>,
    #[serde(default)]
    text: Vec<Vec<Option<String>>>,
    #[serde(default)]
    labels: Vec<Value>,
    #[serde(default)]
    predict: Vec<Vec<Option<f32>>>,
    #[serde(default)]
    onnx: bool,
}

/// Never stops, and notes the longest time between two beats.
struct Watch {
    start: Instant,
    last: Instant,
    longest_ms: f64,
}

impl Pulse for Watch {
    fn beat(&mut self) -> Result<(), Cancelled> {
        self.longest_ms = self.longest_ms.max(self.last.elapsed().as_secs_f64() * 1e3);
        self.last = Instant::now();
        Ok(())
    }

    fn seconds(&mut self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let input: Input = serde_json::from_str(&text)?;
    let rows = input
        .numeric
        .len()
        .max(input.categorical.len())
        .max(input.text.len());
    let data = TrainData {
        rows,
        numeric: input
            .numeric
            .iter()
            .flatten()
            .map(|cell| cell.unwrap_or(f64::NAN))
            .collect(),
        categorical: input.categorical.into_iter().flatten().collect(),
        text: input.text.into_iter().flatten().collect(),
        labels: labels(&input.labels),
        groups: vec![],
    };
    let limits = TrainLimits {
        rows_max: 10_000_000,
        features_max: 4_096,
        memory_bytes_max: 8 << 30,
        seconds_max: 3_600.0,
    };
    let start = Instant::now();
    let mut watch = Watch {
        start,
        last: start,
        longest_ms: 0.0,
    };
    let trained = train(&input.spec.to_string(), &data, &limits, &mut watch)?;
    let seconds = start.elapsed().as_secs_f64();
    let artifact = Artifact::decode(&trained.artifact)?;
    let scores = predictions(&artifact, &input.predict)?;
    let onnx = if input.onnx {
        Some(STANDARD.encode(to_onnx(&artifact)?))
    } else {
        None
    };
    let answer = json!({
        "artifact": STANDARD.encode(&trained.artifact),
        "report": trained.report,
        "seconds": seconds,
        "longest_ms": watch.longest_ms,
        "scores": scores,
        "onnx": onnx,
    });
    println!("{answer}");
    Ok(())
}

fn labels(values: &[Value]) -> Labels {
    if values.is_empty() {
        Labels::None
    } else if values
        .iter()
        .all(|value| value.is_number() || value.is_null())
    {
        Labels::Number(
            values
                .iter()
                .map(|value| value.as_f64().unwrap_or(f64::NAN))
                .collect(),
        )
    } else {
        Labels::Text(
            values
                .iter()
                .map(|value| value.as_str().map(str::to_string))
                .collect(),
        )
    }
}

/// `[score, label]` of each row; the label is null for tasks without labels.
fn predictions(
    artifact: &Artifact,
    rows: &[Vec<Option<f32>>],
) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let mut answers = vec![];
    for row in rows {
        let row: Vec<f32> = row.iter().map(|cell| cell.unwrap_or(f32::NAN)).collect();
        let wide: Vec<f64> = row.iter().map(|cell| f64::from(*cell)).collect();
        let label = artifact.predict_columns(&wide)?.label;
        answers.push(json!([artifact.score(&row)?, label]));
    }
    Ok(answers)
}
