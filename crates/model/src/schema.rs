//! What a model is, and which features it takes.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::limits::{
    CATEGORIES_MAX, COLUMNS_MAX, FEATURES_MAX, NAME_BYTES_MAX, NGRAMS_MAX, PARAMETER_MAX,
};

/// How a model was trained. The names are those of `p_spec.algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// Least squares.
    Linear,
    /// Least squares with L1 and L2 penalties.
    ElasticNet,
    /// Logistic regression of two or more classes.
    Logistic,
    /// Naive Bayes over normally distributed features.
    GaussianNb,
    /// Naive Bayes over counts.
    MultinomialNb,
    /// One decision tree.
    Tree,
    /// A random forest.
    Forest,
    /// Gradient-boosted trees.
    Boosting,
    /// k-means clusters.
    Kmeans,
    /// Principal components.
    Pca,
    /// Logistic regression that goes on learning.
    Ftrl,
    /// Vectors of items or users.
    Vectors,
}

impl Algorithm {
    /// Every algorithm with its name.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Linear, "linear"),
        (Self::ElasticNet, "elastic_net"),
        (Self::Logistic, "logistic"),
        (Self::GaussianNb, "gaussian_nb"),
        (Self::MultinomialNb, "multinomial_nb"),
        (Self::Tree, "tree"),
        (Self::Forest, "forest"),
        (Self::Boosting, "boosting"),
        (Self::Kmeans, "kmeans"),
        (Self::Pca, "pca"),
        (Self::Ftrl, "ftrl"),
        (Self::Vectors, "vectors"),
    ];

    /// The name, as in specifications and envelopes.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(algorithm, _)| *algorithm == self)
            .map_or("", |(_, name)| name)
    }

    /// The algorithm of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(algorithm, _)| *algorithm)
    }
}

/// What the outputs of a model mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// A number.
    Regression,
    /// One of the labels.
    Classification,
    /// The index of a cluster.
    Clustering,
    /// Coordinates along components.
    Components,
    /// Vectors to be compared.
    Retrieval,
}

impl Task {
    /// The name, as in specifications and envelopes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Classification => "classification",
            Self::Clustering => "clustering",
            Self::Components => "components",
            Self::Retrieval => "retrieval",
        }
    }
}

/// One feature, in the order of the model's columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Key in a row, unique within the model.
    pub name: String,
    /// What it takes and how it becomes columns.
    pub kind: FeatureKind,
}

/// What a feature takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FeatureKind {
    /// A number; one column, in the feature's own unit.
    Numeric {
        /// Mean of the training rows: what a missing value counts as.
        mean: f64,
        /// Standard deviation of the training rows, 1 for a constant feature; positive.
        scale: f64,
    },
    /// A word out of few; one column for each value, one for "missing" and one for "other".
    Categorical {
        /// The values that are told apart, sorted.
        values: Vec<String>,
    },
    /// Free text; one column for each bucket or term.
    Text {
        /// Longest run of words that is one term, from 1 to 3.
        ngrams: u8,
        /// Whether the columns of a text are scaled to length 1.
        normalize: bool,
        /// How terms become columns.
        encoding: TextEncoding,
    },
}

/// How the terms of a text become columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TextEncoding {
    /// A term counts in the bucket of its hash.
    Hashed {
        /// Number of buckets.
        buckets: u32,
    },
    /// A term counts in its own column, times its weight; unknown terms do not count.
    Tfidf {
        /// The terms, sorted.
        terms: Vec<String>,
        /// Inverse document frequency of each term.
        idf: Vec<f64>,
    },
}

impl FeatureKind {
    /// Name of the kind: `numeric`, `categorical` or `text`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Numeric { .. } => "numeric",
            Self::Categorical { .. } => "categorical",
            Self::Text { .. } => "text",
        }
    }

    /// Number of columns that this feature becomes.
    #[must_use]
    pub fn columns(&self) -> usize {
        match self {
            Self::Numeric { .. } => 1,
            Self::Categorical { values } => values.len().saturating_add(2),
            Self::Text {
                encoding: TextEncoding::Hashed { buckets },
                ..
            } => *buckets as usize,
            Self::Text {
                encoding: TextEncoding::Tfidf { terms, .. },
                ..
            } => terms.len(),
        }
    }
}

/// Number of columns of a row with these features.
#[must_use]
pub fn columns(features: &[Feature]) -> usize {
    features.iter().fold(0usize, |sum, feature| {
        sum.saturating_add(feature.kind.columns())
    })
}

/// Whether these features fit together: counts, names, order of values, finite numbers.
///
/// # Errors
///
/// [`ModelError::BadArtifact`] or [`ModelError::OverLimit`].
pub fn check_features(features: &[Feature]) -> Result<(), ModelError> {
    within("features", features.len(), FEATURES_MAX)?;
    within("columns", columns(features), COLUMNS_MAX)?;
    let mut names: Vec<&str> = features
        .iter()
        .map(|feature| feature.name.as_str())
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ModelError::BadArtifact {
            reason: "two features have the same name",
        });
    }
    features.iter().try_for_each(|feature| {
        check_name(&feature.name)?;
        check_kind(&feature.kind)
    })
}

fn check_kind(kind: &FeatureKind) -> Result<(), ModelError> {
    match kind {
        FeatureKind::Numeric { mean, scale } => {
            check_parameters(&[*mean, *scale])?;
            if *scale <= 0.0 {
                return Err(ModelError::BadArtifact {
                    reason: "a scale is not positive",
                });
            }
            Ok(())
        }
        FeatureKind::Categorical { values } => {
            within("categories", values.len(), CATEGORIES_MAX)?;
            check_sorted(values)
        }
        FeatureKind::Text {
            ngrams, encoding, ..
        } => {
            if !(1..=NGRAMS_MAX).contains(ngrams) {
                return Err(ModelError::BadArtifact {
                    reason: "n-grams must be from 1 to 3",
                });
            }
            match encoding {
                TextEncoding::Hashed { buckets: 0 } => Err(ModelError::BadArtifact {
                    reason: "a text has no bucket",
                }),
                TextEncoding::Hashed { .. } => Ok(()),
                TextEncoding::Tfidf { terms, idf } => {
                    if terms.len() != idf.len() {
                        return Err(ModelError::BadArtifact {
                            reason: "a term lacks its weight",
                        });
                    }
                    check_parameters(idf)?;
                    check_sorted(terms)
                }
            }
        }
    }
}

/// Sorted without repetition, which look-ups rely on.
fn check_sorted(values: &[String]) -> Result<(), ModelError> {
    values.iter().try_for_each(|value| check_name(value))?;
    if values.windows(2).all(|pair| pair[0] < pair[1]) {
        Ok(())
    } else {
        Err(ModelError::BadArtifact {
            reason: "values are not sorted",
        })
    }
}

/// A name, label, category or term of bearable length.
pub(crate) fn check_name(name: &str) -> Result<(), ModelError> {
    within("name_bytes", name.len(), NAME_BYTES_MAX)
}

/// Finite and not absurdly large, so that no sum overflows into NaN.
pub(crate) fn check_parameters(parameters: &[f64]) -> Result<(), ModelError> {
    if parameters
        .iter()
        .all(|parameter| parameter.abs() <= PARAMETER_MAX)
    {
        Ok(())
    } else {
        Err(ModelError::BadArtifact {
            reason: "a parameter is not finite or too large",
        })
    }
}

/// An error when `found` is more than `max`.
pub(crate) fn within(name: &'static str, found: usize, max: usize) -> Result<(), ModelError> {
    if found > max {
        Err(ModelError::OverLimit { name, max })
    } else {
        Ok(())
    }
}
