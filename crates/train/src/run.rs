//! The course of a training: check, split, fit the features, fit the model, measure.

use offline_sync_model::models::Model;
use offline_sync_model::schema::columns;
use offline_sync_model::{Algorithm, Artifact, Content, Feature, FeatureKind, Task};
use serde_json::{Map, Value, json};

use crate::data::{Targets, TrainData};
use crate::error::TrainError;
use crate::features::{self, Fitted};
use crate::ftrl::FtrlParams;
use crate::kmeans::KmeansParams;
use crate::limits::{Pulse, TrainLimits, Work};
use crate::linear::ElasticNetParams;
use crate::logistic::LogisticParams;
use crate::matrix::Matrix;
use crate::spec::{Encoding, Spec};
use crate::split::{Split, stratified};
use crate::tree::{Bins, BoostingParams, ForestParams, fit_boosting, fit_forest};
use crate::{bayes, ftrl, kmeans, linear, logistic, pca, recommend, report};

/// Fewest rows with a label that a model can come from.
pub const ROWS_MIN: usize = 4;

/// A finished training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The artefact's bytes.
    pub artifact: Vec<u8>,
    /// What was trained and how good it is; see `docs/models.md`.
    pub report: Value,
    /// Of recommendations: the names of the users, and their vectors one after the other.
    pub users: Option<(Vec<String>, Vec<f32>)>,
}

/// The parameters of each algorithm.
enum Plan {
    Linear,
    ElasticNet(ElasticNetParams),
    Logistic(LogisticParams),
    GaussianNb(f64),
    MultinomialNb(f64),
    Forest(ForestParams),
    Boosting(BoostingParams),
    Kmeans(KmeansParams),
    Pca(usize),
    Ftrl(FtrlParams),
}

/// Trains a model from a specification (JSON) and rows.
///
/// # Errors
///
/// Any [`TrainError`]; nothing is kept of a training that fails.
pub fn train(
    spec: &str,
    data: &TrainData,
    limits: &TrainLimits,
    pulse: &mut dyn Pulse,
) -> Result<Trained, TrainError> {
    let mut spec = Spec::parse(spec)?;
    let mut work = Work::new(pulse, limits);
    data.check(&spec, limits)?;
    if spec.algorithm == Algorithm::Vectors {
        return recommend::train(&mut spec, data, &mut work);
    }
    let task = spec.task(&data.labels)?;
    let (plan, encoding, params) = plan(&mut spec, task)?;
    let (targets, split) = targets_and_split(&spec, task, data)?;
    let Fitted {
        features,
        mut warnings,
    } = features::fit(&spec, &encoding, data, &split.train, &mut work)?;
    if columns(&features) == 0 {
        return Err(TrainError::NoFeature);
    }
    work.reserve(&memory(&spec, &plan, split.train.len(), columns(&features)))?;
    let mut matrix = features::matrix(&features, data, &split.train, &mut work)?;
    let values: Vec<f64> = split.train.iter().map(|row| targets.values[*row]).collect();
    let mut fitting = Fitting {
        spec: &spec,
        task,
        labels: targets.labels.len(),
        features: &features,
    };
    let (model, details) = fitting.fit(&plan, &mut matrix, &values, &mut warnings, &mut work)?;
    drop(matrix);
    let artifact = Artifact::new(Content {
        algorithm: spec.algorithm,
        task,
        labels: targets.labels.clone(),
        features,
        model,
    })?;
    finish(
        artifact,
        data,
        &targets,
        &split,
        Extra {
            params,
            details,
            warnings,
        },
        &mut work,
    )
}

/// The labels of the rows, and which rows are trained with and which held out.
pub(crate) fn targets_and_split(
    spec: &Spec,
    task: Task,
    data: &TrainData,
) -> Result<(Targets, Split), TrainError> {
    let targets = data.targets(spec, task)?;
    check_targets(spec, task, &targets)?;
    let class = |row: usize| {
        if targets.labels.is_empty() {
            0
        } else {
            targets.values[row] as usize
        }
    };
    let split = stratified(&targets.rows, class, spec.test_share, spec.seed);
    Ok((targets, split))
}

/// Lets a model of FTRL learn from further rows; the report measures the model on them *before* it
/// learned from them.
///
/// # Errors
///
/// [`TrainError::NotIncremental`] for other models, [`TrainError::BadShape`] when the rows do not have
/// the model's features, labels that the model does not know: [`TrainError::UnfitFeature`].
pub fn update(
    artifact: &[u8],
    data: &TrainData,
    limits: &TrainLimits,
    pulse: &mut dyn Pulse,
) -> Result<Trained, TrainError> {
    let artifact = Artifact::decode(artifact)?;
    let mut content = artifact.content().clone();
    let Model::Ftrl(state) = &mut content.model else {
        return Err(TrainError::NotIncremental {
            algorithm: content.algorithm.name(),
        });
    };
    let spec = spec_of(&content.features, content.algorithm);
    let mut work = Work::new(pulse, limits);
    data.check(&spec, limits)?;
    let targets = known_classes(data.targets(&spec, content.task)?, &content.labels)?;
    let rows = &targets.rows;
    if rows.is_empty() {
        return Err(TrainError::TooFewRows {
            found: 0,
            needed: 1,
        });
    }
    work.reserve(&[Matrix::bytes(rows.len(), artifact.columns())])?;
    let mut matrix = features::matrix(&content.features, data, rows, &mut work)?;
    features::standardize(&mut matrix, &features::scales(&content.features), &mut work)?;
    let classes = rows.iter().map(|row| targets.values[*row]);
    ftrl::learn(state, matrix.iter().zip(classes), &mut work)?;
    drop(matrix);
    let split = Split {
        train: rows.clone(),
        test: rows.clone(),
    };
    let (metrics, baseline) = report::measure(&artifact, data, &targets, &split, &mut work)?;
    let updated = Artifact::new(content)?;
    let bytes = updated.encode()?;
    let facts = report::Facts {
        artifact: &updated,
        given: data.rows,
        split: &Split {
            train: rows.clone(),
            test: vec![],
        },
        params: json!({}),
        details: Map::new(),
        warnings: vec![],
        artifact_bytes: bytes.len(),
    };
    Ok(Trained {
        report: report::render(facts, metrics, baseline),
        artifact: bytes,
        users: None,
    })
}

/// What a report says beside what was measured.
struct Extra {
    params: Value,
    details: Map<String, Value>,
    warnings: Vec<String>,
}

fn finish(
    artifact: Artifact,
    data: &TrainData,
    targets: &Targets,
    split: &Split,
    extra: Extra,
    work: &mut Work<'_>,
) -> Result<Trained, TrainError> {
    let Extra {
        params,
        details,
        mut warnings,
    } = extra;
    let (metrics, baseline) = if split.test.is_empty() {
        warnings.push("no rows were held out: quality was not measured".to_string());
        (Map::new(), Map::new())
    } else {
        report::measure(&artifact, data, targets, split, work)?
    };
    let bytes = artifact.encode()?;
    let facts = report::Facts {
        artifact: &artifact,
        given: data.rows,
        split,
        params,
        details,
        warnings,
        artifact_bytes: bytes.len(),
    };
    Ok(Trained {
        report: report::render(facts, metrics, baseline),
        artifact: bytes,
        users: None,
    })
}

/// Reads the parameters of the algorithm and of the features; none may be left over.
fn plan(spec: &mut Spec, task: Task) -> Result<(Plan, Encoding, Value), TrainError> {
    let params = &mut spec.params;
    let classes = usize::from(task == Task::Classification);
    let plan = match spec.algorithm {
        Algorithm::Linear => Plan::Linear,
        Algorithm::ElasticNet => Plan::ElasticNet(ElasticNetParams::of(params)?),
        Algorithm::Logistic => Plan::Logistic(LogisticParams::of(params)?),
        Algorithm::GaussianNb => Plan::GaussianNb(bayes::gaussian_params(params)?),
        Algorithm::MultinomialNb => Plan::MultinomialNb(bayes::multinomial_params(params)?),
        Algorithm::Tree => Plan::Forest(ForestParams::tree(params)?),
        Algorithm::Forest => Plan::Forest(ForestParams::forest(params, classes)?),
        Algorithm::Boosting => Plan::Boosting(BoostingParams::of(params)?),
        Algorithm::Kmeans => Plan::Kmeans(KmeansParams::of(params)?),
        Algorithm::Pca => Plan::Pca(pca::params(params)?),
        Algorithm::Ftrl => Plan::Ftrl(FtrlParams::of(params)?),
        Algorithm::Vectors => {
            return Err(TrainError::UnknownAlgorithm {
                name: "vectors".to_string(),
            });
        }
    };
    let encoding = Encoding::of(params, !spec.categorical.is_empty(), !spec.text.is_empty())?;
    let effective = params.finish()?;
    Ok((plan, encoding, effective))
}

fn check_targets(spec: &Spec, task: Task, targets: &Targets) -> Result<(), TrainError> {
    let found = targets.rows.len();
    if found < ROWS_MIN {
        return Err(TrainError::TooFewRows {
            found,
            needed: ROWS_MIN,
        });
    }
    if task == Task::Classification {
        match targets.labels.as_slice() {
            [] => {
                return Err(TrainError::NoLabel {
                    algorithm: spec.algorithm.name(),
                });
            }
            [label] => {
                return Err(TrainError::OneClass {
                    label: label.clone(),
                });
            }
            [_, _] => {}
            more if spec.algorithm == Algorithm::Ftrl => {
                return Err(TrainError::NotBinary {
                    algorithm: "ftrl",
                    found: more.len(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Bytes of the arrays that a training holds at once.
fn memory(spec: &Spec, plan: &Plan, rows: usize, columns: usize) -> Vec<usize> {
    let matrix = Matrix::bytes(rows, columns);
    let squares = Matrix::bytes(columns, columns);
    let per_row = rows.saturating_mul(64);
    match plan {
        Plan::Linear | Plan::ElasticNet(_) => vec![matrix, squares.saturating_mul(4), per_row],
        Plan::Pca(_) => vec![matrix, squares.saturating_mul(4), per_row],
        Plan::Forest(_) | Plan::Boosting(_) => vec![matrix, matrix / 8, per_row],
        _ => vec![matrix, per_row, spec.features.len()],
    }
}

/// What fitting a model needs to know.
struct Fitting<'a> {
    spec: &'a Spec,
    task: Task,
    labels: usize,
    features: &'a [Feature],
}

impl Fitting<'_> {
    /// Fits the model; whatever was scaled is scaled back.
    fn fit(
        &mut self,
        plan: &Plan,
        matrix: &mut Matrix,
        targets: &[f64],
        warnings: &mut Vec<String>,
        work: &mut Work<'_>,
    ) -> Result<(Model, Map<String, Value>), TrainError> {
        let scales = features::scales(self.features);
        let scaled = matches!(
            plan,
            Plan::Linear
                | Plan::ElasticNet(_)
                | Plan::Logistic(_)
                | Plan::Kmeans(_)
                | Plan::Pca(_)
                | Plan::Ftrl(_)
        );
        if scaled {
            features::standardize(matrix, &scales, work)?;
        }
        let mut details = Map::new();
        let classes = if self.task == Task::Classification {
            self.labels
        } else {
            0
        };
        let seed = self.spec.seed;
        let mut model = match plan {
            Plan::Linear => {
                let (model, aliased) = linear::least_squares(matrix, targets, work)?;
                details.insert("columns_without_weight".into(), json!(aliased.len()));
                Model::Linear(model)
            }
            Plan::ElasticNet(params) => {
                let model = linear::elastic_net(matrix, targets, params, work)?;
                let kept = model
                    .weights
                    .iter()
                    .filter(|weight| **weight != 0.0)
                    .count();
                details.insert("columns_with_weight".into(), json!(kept));
                if kept == 0 {
                    warnings.push("no feature has a weight: lower params.alpha".to_string());
                }
                Model::Linear(model)
            }
            Plan::Logistic(params) => {
                let fit = logistic::fit(matrix, targets, classes, params, work)?;
                details.insert("iterations".into(), json!(fit.iterations));
                if !fit.converged {
                    warnings.push("not converged: raise params.max_iter".to_string());
                }
                Model::Linear(fit.model)
            }
            Plan::GaussianNb(smoothing) => {
                Model::GaussianNb(bayes::gaussian(matrix, targets, classes, *smoothing, work)?)
            }
            Plan::MultinomialNb(alpha) => {
                self.check_counts(matrix)?;
                Model::Linear(bayes::multinomial(matrix, targets, classes, *alpha, work)?)
            }
            Plan::Forest(params) => {
                let bins = Bins::of(matrix, work)?;
                Model::Trees(fit_forest(&bins, targets, classes, params, seed, work)?)
            }
            Plan::Boosting(params) => {
                let bins = Bins::of(matrix, work)?;
                Model::Trees(fit_boosting(
                    matrix, &bins, targets, classes, params, seed, work,
                )?)
            }
            Plan::Kmeans(params) => {
                if params.clusters() > matrix.rows {
                    let (found, needed) = (matrix.rows, params.clusters());
                    return Err(TrainError::TooFewRows { found, needed });
                }
                Model::Kmeans(kmeans::model(
                    &kmeans::fit(matrix, params, seed, work)?,
                    &scales,
                ))
            }
            Plan::Pca(components) => {
                let (model, shares) = pca::fit(matrix, *components, work)?;
                details.insert("explained_variance_ratio".into(), json!(shares));
                Model::Linear(model)
            }
            Plan::Ftrl(params) => Model::Ftrl(ftrl::fit(matrix, targets, params, seed, work)?),
        };
        if let Model::Linear(model) = &mut model
            && scaled
        {
            let rows = model.weights.chunks_exact_mut(scales.len());
            for (weights, intercept) in rows.zip(&mut model.intercepts) {
                features::unscale(weights, intercept, &scales);
            }
        }
        Ok((model, details))
    }

    /// Counts cannot be negative.
    fn check_counts(&self, matrix: &Matrix) -> Result<(), TrainError> {
        let numeric = self
            .features
            .iter()
            .take_while(|feature| matches!(feature.kind, FeatureKind::Numeric { .. }));
        for (column, feature) in numeric.enumerate() {
            if matrix.iter().any(|row| row[column] < 0.0) {
                return Err(TrainError::UnfitFeature {
                    feature: feature.name.clone(),
                    reason: "has negative values, multinomial_nb takes counts",
                });
            }
        }
        Ok(())
    }
}

/// The specification that the features of a model came from.
fn spec_of(features: &[Feature], algorithm: Algorithm) -> Spec {
    let names = |kind: &str| {
        features
            .iter()
            .filter(|feature| feature.kind.name() == kind)
            .map(|feature| feature.name.clone())
            .collect()
    };
    Spec {
        algorithm,
        features: names("numeric"),
        categorical: names("categorical"),
        text: names("text"),
        test_share: 0.0,
        seed: 0,
        params: crate::spec::Params::default(),
    }
}

/// Classes renumbered as a model knows them.
fn known_classes(mut targets: Targets, labels: &[String]) -> Result<Targets, TrainError> {
    let places: Option<Vec<f64>> = targets
        .labels
        .iter()
        .map(|label| {
            labels
                .iter()
                .position(|known| known == label)
                .map(|place| place as f64)
        })
        .collect();
    let Some(places) = places else {
        return Err(TrainError::NotBinary {
            algorithm: "ftrl",
            found: 3,
        });
    };
    for row in &targets.rows {
        targets.values[*row] = places[targets.values[*row] as usize];
    }
    targets.labels = labels.to_vec();
    Ok(targets)
}
