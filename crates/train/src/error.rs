//! What can be wrong with a training, the SQLSTATE of each fault and what to do about it.

use offline_sync_model::ModelError;
use thiserror::Error;

/// The caller wants the training to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

/// Why there is no model.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TrainError {
    /// The caller stopped the training.
    #[error("training was cancelled")]
    Cancelled,
    /// The training took longer than it may.
    #[error("training exceeds {seconds} seconds")]
    OutOfTime {
        /// The limit.
        seconds: f64,
    },
    /// More data than a limit allows.
    #[error("training exceeds the limit {name}: {found} of at most {max}")]
    OverLimit {
        /// Name of the limit, as in [`crate::TrainLimits`].
        name: &'static str,
        /// What was needed.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// A specification that is not JSON of the right shape.
    #[error("the specification is not valid: {reason}")]
    BadSpec {
        /// What was found and expected.
        reason: String,
    },
    /// An algorithm that does not exist.
    #[error("unknown algorithm \"{name}\"")]
    UnknownAlgorithm {
        /// The name that was given.
        name: String,
    },
    /// A parameter that the algorithm does not have.
    #[error("unknown parameter \"{name}\"")]
    UnknownParameter {
        /// The name that was given.
        name: String,
    },
    /// A parameter outside what it allows.
    #[error("parameter \"{name}\" must be {expected}")]
    BadParameter {
        /// The parameter.
        name: &'static str,
        /// What is allowed.
        expected: String,
    },
    /// Arrays that do not fit the specification.
    #[error("{what} has {found} values instead of {expected}")]
    BadShape {
        /// Which array.
        what: &'static str,
        /// Values that the specification asks for.
        expected: usize,
        /// Values that were given.
        found: usize,
    },
    /// Too few rows with a label.
    #[error("{found} usable rows are too few: at least {needed} are needed")]
    TooFewRows {
        /// Rows that were usable.
        found: usize,
        /// Rows that are needed.
        needed: usize,
    },
    /// All rows have the same label.
    #[error("all rows have the label \"{label}\"")]
    OneClass {
        /// The label.
        label: String,
    },
    /// More classes than a model may have.
    #[error("the label has {found} distinct values, at most {max} are possible")]
    TooManyClasses {
        /// Distinct labels.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// An algorithm of two classes was given more.
    #[error("{algorithm} takes two classes, the label has {found}")]
    NotBinary {
        /// The algorithm.
        algorithm: &'static str,
        /// Distinct labels.
        found: usize,
    },
    /// A label that is no number where numbers are predicted.
    #[error("the label \"{label}\" is not a number")]
    LabelNotNumeric {
        /// The label.
        label: String,
    },
    /// A number to be predicted whose square is none any more.
    #[error("the label {label:e} is too large")]
    LabelTooLarge {
        /// The label.
        label: f64,
    },
    /// Rows to learn on from that have other features than the model.
    #[error("the features are not those of the model: {expected}")]
    OtherFeatures {
        /// The features of the model, in their order.
        expected: String,
    },
    /// A label that a model which goes on learning has never met.
    #[error("the model does not know the label \"{label}\"")]
    UnknownLabel {
        /// The label.
        label: String,
    },
    /// No label where one is needed.
    #[error("{algorithm} needs a label")]
    NoLabel {
        /// The algorithm.
        algorithm: &'static str,
    },
    /// A feature without a single value.
    #[error("feature \"{feature}\" has no value in any training row")]
    AllMissing {
        /// The feature.
        feature: String,
    },
    /// A specification without features.
    #[error("there is no feature")]
    NoFeature,
    /// A feature that the algorithm cannot use.
    #[error("feature \"{feature}\" {reason}")]
    UnfitFeature {
        /// The feature.
        feature: String,
        /// Why not.
        reason: &'static str,
    },
    /// The numbers do not admit a solution.
    #[error("training found no solution: {reason}")]
    NoSolution {
        /// What failed.
        reason: String,
    },
    /// The penalty left nothing of the vectors.
    #[error("the regularization, {regularization}, leaves nothing of the vectors")]
    Vanished {
        /// What was asked for.
        regularization: f64,
    },
    /// Incremental training of a model that does not learn incrementally.
    #[error("a model of algorithm {algorithm} cannot be updated")]
    NotIncremental {
        /// The algorithm.
        algorithm: &'static str,
    },
    /// Export of a model that the format has no place for.
    #[error("this model cannot be exported as ONNX: {reason}")]
    NotExportable {
        /// Why not.
        reason: &'static str,
    },
    /// A fault of the artefact.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<Cancelled> for TrainError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl TrainError {
    /// The SQLSTATE that this fault is raised with.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Cancelled | Self::OutOfTime { .. } => "57014",
            Self::OverLimit { .. } | Self::TooManyClasses { .. } => "54000",
            Self::NotIncremental { .. } | Self::NotExportable { .. } => "0A000",
            Self::Model(error) => error.sqlstate(),
            Self::BadSpec { .. }
            | Self::UnknownAlgorithm { .. }
            | Self::UnknownParameter { .. }
            | Self::BadParameter { .. }
            | Self::BadShape { .. }
            | Self::TooFewRows { .. }
            | Self::OneClass { .. }
            | Self::NotBinary { .. }
            | Self::LabelNotNumeric { .. }
            | Self::LabelTooLarge { .. }
            | Self::OtherFeatures { .. }
            | Self::UnknownLabel { .. }
            | Self::NoLabel { .. }
            | Self::AllMissing { .. }
            | Self::NoFeature
            | Self::UnfitFeature { .. }
            | Self::NoSolution { .. }
            | Self::Vanished { .. } => "22023",
        }
    }

    /// What whoever meets this fault can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Cancelled => "Nothing was stored; train again when there is time.",
            Self::OutOfTime { .. } => {
                "Train on fewer rows, or let an administrator raise the limit."
            }
            Self::OverLimit { .. } => {
                "Sample the rows in spec.query, use fewer features, or let an administrator raise the limit."
            }
            Self::BadSpec { .. } => "See docs/models.md for the keys of a specification.",
            Self::UnknownAlgorithm { .. } => {
                "One of linear, elastic_net, logistic, gaussian_nb, multinomial_nb, tree, forest, boosting, kmeans, pca, ftrl, als."
            }
            Self::UnknownParameter { .. } | Self::BadParameter { .. } => {
                "See docs/models.md for the parameters of each algorithm."
            }
            Self::BadShape { .. } => "Each row has one value for each feature.",
            Self::TooFewRows { .. } => {
                "Rows without a label do not count; collect more labelled rows."
            }
            Self::OneClass { .. } => {
                "There is nothing to tell apart: check the query and the label."
            }
            Self::TooManyClasses { .. } => {
                "Group the labels, or set params.task to regression when they are numbers."
            }
            Self::NotBinary { .. } => "Use logistic, a forest or boosting for more classes.",
            Self::LabelNotNumeric { .. } => "Use a classifier, or a numeric label.",
            Self::LabelTooLarge { .. } => "Labels reach from -1e100 to 1e100: use another unit.",
            Self::OtherFeatures { .. } => {
                "List the same columns in the same order, or leave them out; other features need a new version."
            }
            Self::UnknownLabel { .. } => "Train a new version when labels are added.",
            Self::NoLabel { .. } => "Name the label's column in spec.label.",
            Self::AllMissing { .. } => "Leave the feature out, or fix the query that reads it.",
            Self::NoFeature => "List columns in spec.features, spec.categorical or spec.text.",
            Self::UnfitFeature { .. } => "Leave the feature out, or use another algorithm.",
            Self::NoSolution { .. } => "Check the features for values that are far too large.",
            Self::Vanished { .. } => {
                "Set a smaller params.regularization, or collect more pairs: nobody has enough in common with anybody."
            }
            Self::NotIncremental { .. } => "Train a new version, or train the model with ftrl.",
            Self::NotExportable { .. } => {
                "linear, elastic_net, logistic, tree and forest over numbers and categories can be exported."
            }
            Self::Model(error) => error.hint(),
        }
    }
}
