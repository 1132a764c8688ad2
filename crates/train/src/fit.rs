//! Columns and targets → the parameters of a model.

use offline_sync_model::models::Model;
use offline_sync_model::{Feature, FeatureKind, Task};
use serde_json::{Map, Value, json};

use crate::error::TrainError;
use crate::features;
use crate::limits::Work;
use crate::matrix::Matrix;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::tree::{Bins, fit_boosting, fit_forest};
use crate::{bayes, ftrl, kmeans, linear, logistic, pca};

/// What fitting a model needs to know.
pub(crate) struct Fitting<'a> {
    pub spec: &'a Spec,
    pub task: Task,
    pub labels: usize,
    pub features: &'a [Feature],
}

impl Fitting<'_> {
    /// Fits the model; whatever was scaled is scaled back.
    pub(crate) fn fit(
        &mut self,
        plan: &Plan,
        matrix: &mut Matrix,
        targets: &[f64],
        warnings: &mut Vec<String>,
        work: &mut Work<'_>,
    ) -> Result<(Model, Map<String, Value>), TrainError> {
        let scales = features::scales(self.features);
        let scaled = plan.scales();
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
