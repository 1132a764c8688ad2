//! Bytes ⇄ a validated model.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | `OSML` |
//! | 2 | format version, little endian |
//! | 32 | SHA-256 over the content |
//! | rest | content: [`Content`] in postcard's wire format |

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::ModelError;
use crate::limits::{ARTIFACT_BYTES_MAX, OUTPUTS_MAX};
use crate::models::{Derived, Model, Shape};
use crate::schema::{
    Algorithm, Feature, FeatureKind, Task, check_features, check_name, columns, within,
};

const MAGIC: &[u8; 4] = b"OSML";
const HEADER_BYTES: usize = 38;

/// The version of the format that this release writes and reads.
pub const FORMAT_VERSION: u16 = 1;

/// Everything that an artefact says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// How the model was trained.
    pub algorithm: Algorithm,
    /// What its outputs mean.
    pub task: Task,
    /// The classes of a classifier, in the order of its probabilities; empty for other tasks.
    pub labels: Vec<String>,
    /// The features, in the order of the model's columns.
    pub features: Vec<Feature>,
    /// The parameters.
    pub model: Model,
}

/// A model that was checked: whatever it is asked, it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    content: Content,
    /// For each column: what a missing value counts as.
    pub(crate) fill: Vec<f64>,
    pub(crate) numeric: bool,
    pub(crate) derived: Derived,
}

impl Artifact {
    /// Checks a model and makes it ready to score.
    ///
    /// # Errors
    ///
    /// [`ModelError::BadArtifact`] when its parts do not fit each other, [`ModelError::OverLimit`].
    pub fn new(content: Content) -> Result<Self, ModelError> {
        check_features(&content.features)?;
        check_labels(&content)?;
        if !content.model.matches(content.algorithm, content.task) {
            return Err(ModelError::BadArtifact {
                reason: "the algorithm has another model",
            });
        }
        let columns = columns(&content.features);
        content.model.check(&Shape {
            task: content.task,
            labels: content.labels.len(),
            columns,
            features: &content.features,
        })?;
        let mut fill = vec![];
        for feature in &content.features {
            match feature.kind {
                FeatureKind::Numeric { mean, .. } => fill.push(mean),
                ref kind => fill.extend(core::iter::repeat_n(0.0, kind.columns())),
            }
        }
        let numeric = content
            .features
            .iter()
            .all(|feature| matches!(feature.kind, FeatureKind::Numeric { .. }));
        let derived = Derived::of(&content.model, &content.features);
        Ok(Self {
            content,
            fill,
            numeric,
            derived,
        })
    }

    /// Reads an artefact and checks everything about it.
    ///
    /// # Errors
    ///
    /// Any [`ModelError`] of artefacts: bytes of another kind or version, a wrong hash, content that
    /// describes no model.
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        within("artifact_bytes", bytes.len(), ARTIFACT_BYTES_MAX)?;
        let (Some(magic), Some(version), Some(hash), Some(content)) = (
            bytes.get(..4),
            bytes.get(4..6),
            bytes.get(6..HEADER_BYTES),
            bytes.get(HEADER_BYTES..),
        ) else {
            return Err(ModelError::NotAnArtifact);
        };
        if magic != MAGIC {
            return Err(ModelError::NotAnArtifact);
        }
        if version != FORMAT_VERSION.to_le_bytes() {
            let found = version
                .iter()
                .rev()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
            return Err(ModelError::UnsupportedVersion { found });
        }
        if Sha256::digest(content).as_slice() != hash {
            return Err(ModelError::HashMismatch);
        }
        match postcard::take_from_bytes::<Content>(content) {
            Ok((content, [])) => Self::new(content),
            Ok(_) => Err(ModelError::BadArtifact {
                reason: "bytes follow the content",
            }),
            Err(_) => Err(ModelError::BadArtifact {
                reason: "the content does not parse",
            }),
        }
    }

    /// Writes the artefact; equal models give equal bytes.
    ///
    /// # Errors
    ///
    /// [`ModelError::OverLimit`] when it is larger than an artefact may be.
    pub fn encode(&self) -> Result<Vec<u8>, ModelError> {
        let content =
            postcard::to_allocvec(&self.content).map_err(|_| ModelError::BadArtifact {
                reason: "the content cannot be written",
            })?;
        within(
            "artifact_bytes",
            content.len() + HEADER_BYTES,
            ARTIFACT_BYTES_MAX,
        )?;
        let mut bytes = Vec::with_capacity(content.len() + HEADER_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(Sha256::digest(&content).as_slice());
        bytes.extend_from_slice(&content);
        Ok(bytes)
    }

    /// Everything that the artefact says.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Whether every feature is a number, so that [`Artifact::score`] takes vectors.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.numeric
    }

    /// Number of columns that a row becomes.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.fill.len()
    }
}

fn check_labels(content: &Content) -> Result<(), ModelError> {
    within("labels", content.labels.len(), OUTPUTS_MAX)?;
    content
        .labels
        .iter()
        .try_for_each(|label| check_name(label))?;
    let mut sorted: Vec<&String> = content.labels.iter().collect();
    sorted.sort_unstable();
    let distinct = sorted.windows(2).all(|pair| pair[0] != pair[1]);
    let count = content.labels.len();
    let fits = if content.task == Task::Classification {
        count >= 2
    } else {
        count == 0
    };
    if distinct && fits {
        Ok(())
    } else {
        Err(ModelError::BadArtifact {
            reason: "the labels do not fit the task",
        })
    }
}
