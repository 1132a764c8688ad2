//! Rows with a known shape, and limits that do not get in the way.
#![allow(dead_code, missing_docs)]

use offline_sync_train::rng::Rng;
use offline_sync_train::{Cancelled, Labels, Pulse, TrainData, TrainLimits};
use serde_json::{Value, json};

/// Every algorithm, all of which take two classes as labels or none.
pub const ALGORITHMS: [&str; 9] = [
    "logistic",
    "gaussian_nb",
    "multinomial_nb",
    "tree",
    "forest",
    "boosting",
    "kmeans",
    "pca",
    "ftrl",
];

pub const LIMITS: TrainLimits = TrainLimits {
    rows_max: 100_000,
    features_max: 100,
    memory_bytes_max: 256 << 20,
    seconds_max: 60.0,
};

/// Never stops.
pub struct Free;

impl Pulse for Free {
    fn beat(&mut self) -> Result<(), Cancelled> {
        Ok(())
    }

    fn seconds(&mut self) -> f64 {
        0.0
    }
}

pub fn spec(algorithm: &str, features: usize, params: &Value) -> Value {
    let names: Vec<String> = (0..features).map(|index| format!("f{index}")).collect();
    json!({"algorithm": algorithm, "features": names, "seed": 3, "params": params})
}

/// Rows around one centre for each class, all numbers positive.
pub fn blobs(rows: usize, features: usize, classes: usize, seed: u64) -> TrainData {
    let mut rng = Rng::new(seed, 0);
    let mut normal = move || (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
    let mut numeric = vec![];
    let mut labels = vec![];
    for row in 0..rows {
        let class = row % classes;
        for feature in 0..features {
            let centre = if feature % classes == class {
                14.0
            } else {
                10.0
            };
            numeric.push((centre + normal()).max(0.0));
        }
        labels.push(Some(format!("c{class}")));
    }
    TrainData {
        rows,
        numeric,
        labels: Labels::Text(labels),
        ..TrainData::default()
    }
}
