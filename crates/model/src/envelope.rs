//! The JSON document in which models are exported, pulled by devices and imported.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::artifact::{Artifact, Content};
use crate::error::ModelError;
use crate::limits::ARTIFACT_BYTES_MAX;
use crate::models::Model;
use crate::schema::{Feature, FeatureKind, TextEncoding, within};

/// What `format` says.
pub const FORMAT: &str = "offline-sync-model";
/// The version of the envelope that this release writes and reads.
pub const ENVELOPE_VERSION: u64 = 1;

/// An envelope that was opened and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The artefact's bytes.
    pub bytes: Vec<u8>,
    /// The model in them.
    pub artifact: Artifact,
    /// What the exporter measured; not used by scoring.
    pub metrics: Value,
}

#[derive(Deserialize)]
struct Envelope {
    format: String,
    format_version: u64,
    algorithm: String,
    task: String,
    labels: Vec<String>,
    features: Value,
    sha256: String,
    artifact: String,
    #[serde(default)]
    metrics: Value,
}

/// The envelope of an artefact, with what was measured about it.
///
/// # Errors
///
/// Those of [`Artifact::decode`].
pub fn seal(bytes: &[u8], metrics: &Value) -> Result<Map<String, Value>, ModelError> {
    let artifact = Artifact::decode(bytes)?;
    let mut envelope = describe(artifact.content());
    envelope.insert("format".to_string(), json!(FORMAT));
    envelope.insert("format_version".to_string(), json!(ENVELOPE_VERSION));
    envelope.insert("sha256".to_string(), json!(sha256_hex(bytes)));
    envelope.insert("artifact".to_string(), json!(STANDARD.encode(bytes)));
    envelope.insert("metrics".to_string(), metrics.clone());
    Ok(envelope)
}

/// Opens an envelope: its hash is right, and what it says of the model is what the artefact says.
///
/// # Errors
///
/// [`ModelError::BadJson`], [`ModelError::HashMismatch`], and those of [`Artifact::decode`].
pub fn open(text: &str) -> Result<Opened, ModelError> {
    let bad = |reason: String| ModelError::BadJson {
        document: "model",
        reason,
    };
    within(
        "artifact_bytes",
        text.len() / 4 * 3,
        ARTIFACT_BYTES_MAX + ARTIFACT_BYTES_MAX / 2,
    )?;
    let envelope: Envelope = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
    if envelope.format != FORMAT {
        return Err(bad(format!("format is not {FORMAT}")));
    }
    if envelope.format_version != ENVELOPE_VERSION {
        return Err(ModelError::UnsupportedVersion {
            found: envelope.format_version,
        });
    }
    let bytes = STANDARD
        .decode(&envelope.artifact)
        .map_err(|error| bad(format!("artifact: {error}")))?;
    if sha256_hex(&bytes) != envelope.sha256 {
        return Err(ModelError::HashMismatch);
    }
    let artifact = Artifact::decode(&bytes)?;
    let content = artifact.content();
    if envelope.algorithm != content.algorithm.name()
        || envelope.task != content.task.name()
        || envelope.labels != content.labels
        || !same_features(&envelope.features, &content.features)
    {
        return Err(bad(
            "it describes another model than its artifact".to_string()
        ));
    }
    Ok(Opened {
        bytes,
        artifact,
        metrics: envelope.metrics,
    })
}

/// Algorithm, task, labels and features of a model, as envelopes and `model_info` list them.
#[must_use]
pub fn describe(content: &Content) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("algorithm".to_string(), json!(content.algorithm.name()));
    map.insert("task".to_string(), json!(content.task.name()));
    map.insert("labels".to_string(), json!(content.labels));
    map.insert(
        "features".to_string(),
        content.features.iter().map(describe_feature).collect(),
    );
    map.insert(
        "columns".to_string(),
        json!(crate::schema::columns(&content.features)),
    );
    match &content.model {
        Model::Trees(trees) => {
            map.insert("trees".to_string(), json!(trees.trees.len()));
            let nodes: usize = trees.trees.iter().map(|tree| tree.nodes.len()).sum();
            map.insert("nodes".to_string(), json!(nodes));
        }
        Model::Vectors(vectors) => {
            map.insert("vectors".to_string(), json!(vectors.ids.len()));
            map.insert("dimensions".to_string(), json!(vectors.dimensions));
        }
        Model::Ftrl(state) => {
            map.insert("rows_learned".to_string(), json!(state.rows));
        }
        Model::Linear(_) | Model::GaussianNb(_) | Model::Kmeans(_) => {}
    }
    map
}

/// SHA-256 of bytes, in lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn describe_feature(feature: &Feature) -> Value {
    let kind = feature.kind.name();
    match &feature.kind {
        FeatureKind::Numeric { mean, scale } => {
            json!({"name": feature.name, "kind": kind, "mean": mean, "scale": scale})
        }
        FeatureKind::Categorical { values } => {
            json!({"name": feature.name, "kind": kind, "values": values})
        }
        FeatureKind::Text {
            ngrams, encoding, ..
        } => {
            let (encoding, columns) = match encoding {
                TextEncoding::Hashed { buckets } => ("hashed", *buckets as usize),
                TextEncoding::Tfidf { terms, .. } => ("tfidf", terms.len()),
            };
            json!({"name": feature.name, "kind": kind, "encoding": encoding, "ngrams": ngrams,
                "columns": columns})
        }
    }
}

/// Names and kinds agree; the rest is a convenience for readers, and the artefact's word counts.
fn same_features(listed: &Value, features: &[Feature]) -> bool {
    let Some(listed) = listed.as_array() else {
        return false;
    };
    listed.len() == features.len()
        && listed.iter().zip(features).all(|(listed, feature)| {
            listed.get("name").and_then(Value::as_str) == Some(feature.name.as_str())
                && listed.get("kind").and_then(Value::as_str) == Some(feature.kind.name())
        })
}
