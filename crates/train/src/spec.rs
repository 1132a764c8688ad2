//! What to train: the parts of `p_spec` that concern training.

use std::collections::BTreeMap;

use offline_sync_model::limits::{CATEGORIES_MAX, COLUMNS_MAX, NGRAMS_MAX};
use offline_sync_model::{Algorithm, Task};
use serde::Deserialize;
use serde_json::Value;

use crate::data::Labels;
use crate::error::TrainError;

/// A specification. Keys that name tables, queries or deployment are the database's concern.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// How to train.
    pub algorithm: Algorithm,
    /// Names of the numeric features, in the order of [`crate::TrainData::numeric`].
    pub features: Vec<String>,
    /// Names of the categorical features.
    pub categorical: Vec<String>,
    /// Names of the text features.
    pub text: Vec<String>,
    /// Share of the rows that quality is measured on, from 0 to 0.9.
    pub test_share: f64,
    /// What every random choice follows from.
    pub seed: u64,
    /// Parameters of the algorithm and of the features.
    pub params: Params,
}

#[derive(Deserialize)]
struct Raw {
    algorithm: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    categorical: Vec<String>,
    #[serde(default)]
    text: Vec<String>,
    test_share: Option<f64>,
    seed: Option<u64>,
    params: Option<BTreeMap<String, Value>>,
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// [`TrainError::BadSpec`], [`TrainError::UnknownAlgorithm`], [`TrainError::BadParameter`].
    pub fn parse(text: &str) -> Result<Self, TrainError> {
        let raw: Raw = serde_json::from_str(text).map_err(|error| TrainError::BadSpec {
            reason: error.to_string(),
        })?;
        // Vectors are what als makes; they can also come from elsewhere, so the artefact names them.
        let name = if raw.algorithm == "als" {
            "vectors"
        } else {
            &raw.algorithm
        };
        let algorithm = Algorithm::from_name(name)
            .filter(|algorithm| *algorithm != Algorithm::Vectors || raw.algorithm == "als")
            .ok_or(TrainError::UnknownAlgorithm {
                name: raw.algorithm,
            })?;
        let test_share = raw.test_share.unwrap_or(0.25);
        if !(0.0..=0.9).contains(&test_share) {
            return Err(bad("test_share", "from 0 to 0.9"));
        }
        Ok(Self {
            algorithm,
            features: raw.features,
            categorical: raw.categorical,
            text: raw.text,
            test_share,
            seed: raw.seed.unwrap_or(1),
            params: Params {
                given: raw.params.unwrap_or_default(),
                used: BTreeMap::new(),
            },
        })
    }

    /// What the model's outputs will mean.
    pub(crate) fn task(&mut self, labels: &Labels) -> Result<Task, TrainError> {
        use Algorithm as A;
        match self.algorithm {
            A::Linear | A::ElasticNet => Ok(Task::Regression),
            A::Logistic | A::GaussianNb | A::MultinomialNb | A::Ftrl => Ok(Task::Classification),
            A::Kmeans => Ok(Task::Clustering),
            A::Pca => Ok(Task::Components),
            A::Vectors => Ok(Task::Retrieval),
            A::Tree | A::Forest | A::Boosting => {
                let default = match labels {
                    Labels::Number(_) => "regression",
                    Labels::Text(_) | Labels::None => "classification",
                };
                let choices = ["classification", "regression"];
                match self.params.choice("task", default, &choices)?.as_str() {
                    "regression" => Ok(Task::Regression),
                    _ => Ok(Task::Classification),
                }
            }
        }
    }
}

/// Parameters by name, each of which has to be asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    given: BTreeMap<String, Value>,
    used: BTreeMap<String, Value>,
}

impl Params {
    /// A number from `min` to `max`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        default: f64,
        min: f64,
        max: f64,
    ) -> Result<f64, TrainError> {
        let value = match self.given.remove(name) {
            None => default,
            Some(value) => value
                .as_f64()
                .filter(|value| (min..=max).contains(value))
                .ok_or_else(|| bad(name, &format!("a number from {min} to {max}")))?,
        };
        self.used.insert(name.to_string(), Value::from(value));
        Ok(value)
    }

    /// A whole number from `min` to `max`.
    pub(crate) fn count(
        &mut self,
        name: &'static str,
        default: usize,
        min: usize,
        max: usize,
    ) -> Result<usize, TrainError> {
        let value = match self.given.remove(name) {
            None => default,
            Some(value) => value
                .as_u64()
                .map(|value| usize::try_from(value).unwrap_or(usize::MAX))
                .filter(|value| (min..=max).contains(value))
                .ok_or_else(|| bad(name, &format!("a whole number from {min} to {max}")))?,
        };
        self.used.insert(name.to_string(), Value::from(value));
        Ok(value)
    }

    /// One of some words.
    pub(crate) fn choice(
        &mut self,
        name: &'static str,
        default: &str,
        choices: &[&str],
    ) -> Result<String, TrainError> {
        let value = match self.given.remove(name) {
            None => default.to_string(),
            Some(Value::String(value)) if choices.contains(&value.as_str()) => value,
            Some(_) => return Err(bad(name, &format!("one of {}", choices.join(", ")))),
        };
        self.used
            .insert(name.to_string(), Value::from(value.clone()));
        Ok(value)
    }

    /// The parameters in force, once the algorithm has asked for all that it has.
    pub(crate) fn finish(&mut self) -> Result<Value, TrainError> {
        match self.given.keys().next() {
            Some(name) => Err(TrainError::UnknownParameter { name: name.clone() }),
            None => Ok(self
                .used
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()),
        }
    }
}

/// How categories and texts become columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Encoding {
    pub categories_max: usize,
    pub tfidf: bool,
    pub text_columns: usize,
    pub ngrams: u8,
    pub term_rows_min: usize,
}

impl Encoding {
    pub(crate) fn of(
        params: &mut Params,
        categorical: bool,
        text: bool,
    ) -> Result<Self, TrainError> {
        let mut encoding = Self {
            categories_max: 0,
            tfidf: false,
            text_columns: 0,
            ngrams: 1,
            term_rows_min: 1,
        };
        if categorical {
            encoding.categories_max = params.count("categories_max", 64, 1, CATEGORIES_MAX)?;
        }
        if text {
            let choice = params.choice("text_encoding", "tfidf", &["tfidf", "hashed"])?;
            encoding.tfidf = choice == "tfidf";
            encoding.text_columns = params.count("text_columns", 1_024, 1, COLUMNS_MAX / 2)?;
            let ngrams = params.count("ngrams", 2, 1, usize::from(NGRAMS_MAX))?;
            encoding.ngrams = u8::try_from(ngrams).unwrap_or(NGRAMS_MAX);
            if encoding.tfidf {
                encoding.term_rows_min = params.count("term_rows_min", 2, 1, 1_000_000)?;
            }
        }
        Ok(encoding)
    }
}

pub(crate) fn bad(name: &'static str, expected: &str) -> TrainError {
    TrainError::BadParameter {
        name,
        expected: expected.to_string(),
    }
}
