//! Prints the models that the tests of the client use, as documents by name.
//!
//! `cargo run --example sample_models > ../test/models/sample-models.json`

use std::collections::BTreeMap;
use std::error::Error;

use offline_sync_model::envelope::seal;
use offline_sync_model::models::{Linear, Link, Vectors};
use offline_sync_model::{
    Algorithm, Artifact, Content, Feature, FeatureKind, Model, Task, TextEncoding,
};
use serde_json::{Value, json};

/// As many as in the bar for scoring.
const FEATURES: u32 = 20;

fn numeric(name: String, mean: f64) -> Feature {
    let kind = FeatureKind::Numeric { mean, scale: 1.0 };
    Feature { name, kind }
}

/// A classifier of numbers; `shift` makes versions that differ.
fn warm(shift: f64) -> Content {
    let features = (0..FEATURES).map(|at| numeric(format!("f{at}"), f64::from(at) / 10.0));
    Content {
        algorithm: Algorithm::Logistic,
        task: Task::Classification,
        labels: vec!["cold".to_owned(), "warm".to_owned()],
        features: features.collect(),
        model: Model::Linear(Linear {
            link: Link::Logistic,
            intercepts: vec![shift],
            weights: (0..FEATURES)
                .map(|at| (f64::from(at) - 9.5) / 7.0)
                .collect(),
        }),
    }
}

/// A regression over a number, a category and a text.
fn stale() -> Content {
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    let features = vec![
        numeric("age".to_owned(), 30.0),
        Feature {
            name: "kind".to_owned(),
            kind: FeatureKind::Categorical {
                values: words(&["news", "recipe"]),
            },
        },
        Feature {
            name: "title".to_owned(),
            kind: FeatureKind::Text {
                ngrams: 1,
                normalize: true,
                encoding: TextEncoding::Tfidf {
                    terms: words(&["new", "old", "😀"]),
                    idf: vec![1.5, 1.25, 3.0],
                },
            },
        },
    ];
    Content {
        algorithm: Algorithm::Linear,
        task: Task::Regression,
        labels: Vec::new(),
        features,
        model: Model::Linear(Linear {
            link: Link::Identity,
            intercepts: vec![0.5],
            weights: vec![0.01, 1.0, -1.0, 0.1, 0.2, -0.7, 0.9, 0.3],
        }),
    }
}

/// Items on a circle, the next of each being its neighbours.
fn recommendation() -> Content {
    let data = (0..8_u8).flat_map(|at| {
        let angle = f32::from(at) * std::f32::consts::FRAC_PI_4;
        [angle.cos(), angle.sin()]
    });
    Content {
        algorithm: Algorithm::Vectors,
        task: Task::Retrieval,
        labels: Vec::new(),
        features: Vec::new(),
        model: Model::Vectors(Vectors {
            dimensions: 2,
            ids: (0..8).map(|at| format!("item-{at}")).collect(),
            data: data.collect(),
        }),
    }
}

fn document(content: Content) -> Result<Value, Box<dyn Error>> {
    let bytes = Artifact::new(content)?.encode()?;
    Ok(Value::Object(seal(&bytes, &json!({"accuracy": 0.9}))?))
}

fn main() -> Result<(), Box<dyn Error>> {
    let documents = BTreeMap::from([
        ("warm_1", document(warm(-0.25))?),
        ("warm_2", document(warm(0.75))?),
        ("stale", document(stale())?),
        ("recommendation", document(recommendation())?),
    ]);
    println!("{}", serde_json::to_string_pretty(&documents)?);
    Ok(())
}
