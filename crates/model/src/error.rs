//! What can be wrong with an artefact or a row, the SQLSTATE of each fault and what to do about it.

use alloc::string::String;
use thiserror::Error;

/// A fault of an artefact or of what it was asked to score.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// Bytes that do not begin like an artefact.
    #[error("these bytes are no model artefact")]
    NotAnArtifact,
    /// An artefact or envelope of a format that this release does not read.
    #[error("model format {found} is not supported")]
    UnsupportedVersion {
        /// The version found.
        found: u64,
    },
    /// Content that is not what was written: its SHA-256 differs.
    #[error("the artefact is damaged: its SHA-256 differs")]
    HashMismatch,
    /// Content that has the right hash and yet describes no model.
    #[error("the artefact is not valid: {reason}")]
    BadArtifact {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More than a limit allows.
    #[error("{name} exceeds {max}")]
    OverLimit {
        /// Name of the limit, as in [`crate::limits`].
        name: &'static str,
        /// Its value.
        max: usize,
    },
    /// A vector that has another length than the model has features.
    #[error("the model takes {expected} features, got {found}")]
    WrongLength {
        /// Features of the model.
        expected: usize,
        /// Features that were given.
        found: usize,
    },
    /// A model whose features are not all numbers was given a vector.
    #[error("the model has text or categorical features")]
    NotNumeric,
    /// A model that does not score rows was asked to.
    #[error("a model of algorithm {algorithm} does not score rows")]
    NotScorable {
        /// What the model is.
        algorithm: &'static str,
    },
    /// JSON that does not parse, or has another shape than a row, a list of rows or an envelope.
    #[error("{document} is not valid: {reason}")]
    BadJson {
        /// Which document: `features`, `rows` or `model`.
        document: &'static str,
        /// What was found and expected.
        reason: String,
    },
    /// A feature of a row that has a value of the wrong type.
    #[error("feature \"{feature}\" must be {expected}")]
    BadFeature {
        /// The feature.
        feature: String,
        /// What it takes.
        expected: &'static str,
    },
}

impl ModelError {
    /// The SQLSTATE that this fault is raised with.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::NotAnArtifact | Self::HashMismatch | Self::BadArtifact { .. } => "22P03",
            Self::UnsupportedVersion { .. } => "0A000",
            Self::OverLimit { .. } => "54000",
            Self::BadJson { .. }
            | Self::WrongLength { .. }
            | Self::NotNumeric
            | Self::NotScorable { .. }
            | Self::BadFeature { .. } => "22023",
        }
    }

    /// What whoever meets this fault can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAnArtifact => "Pass what export_model or train_model stored, unchanged.",
            Self::UnsupportedVersion { .. } => "Update the software that reads the model.",
            Self::HashMismatch => "Fetch the artefact again; it was changed on its way.",
            Self::BadArtifact { .. } => "Train the model again and export it anew.",
            Self::OverLimit { .. } => "Use fewer features, categories, terms, trees or rows.",
            Self::WrongLength { .. } => {
                "Give the features in the order that model_info lists, null for a missing one."
            }
            Self::NotNumeric => "Use predict, which takes features by name.",
            Self::NotScorable { .. } => "Use recommend or similar with models of vectors.",
            Self::BadJson { .. } => "See docs/models.md for the shape of this document.",
            Self::BadFeature { .. } => "Leave the feature out, or give null, when it is missing.",
        }
    }
}
