//! Quality of predictions on rows that training did not see.

use serde_json::{Map, Value, json};

/// Probabilities below this count as this: one sure mistake must not be infinitely bad.
const SHARE_MIN: f64 = 1e-15;

/// Accuracy, log loss, macro F1, AUC (two classes) and the confusion matrix.
///
/// `shares` holds the probabilities of each row, `classes` its true class.
#[must_use]
pub fn classification(shares: &[Vec<f64>], classes: &[usize], count: usize) -> Map<String, Value> {
    let mut confusion = vec![vec![0u64; count]; count];
    let mut loss = 0.0;
    for (shares, class) in shares.iter().zip(classes) {
        confusion[*class][offline_sync_model::math::argmax(shares)] += 1;
        loss -= shares[*class].clamp(SHARE_MIN, 1.0).ln();
    }
    let rows = classes.len() as f64;
    let right: u64 = (0..count).map(|class| confusion[class][class]).sum();
    let mut metrics = Map::new();
    metrics.insert("accuracy".into(), json!(right as f64 / rows));
    metrics.insert("log_loss".into(), json!(loss / rows));
    metrics.insert("f1_macro".into(), json!(f1_macro(&confusion)));
    if count == 2 {
        let scores: Vec<f64> = shares.iter().map(|shares| shares[1]).collect();
        metrics.insert("auc".into(), json!(auc(&scores, classes)));
    }
    metrics.insert("confusion".into(), json!(confusion));
    metrics
}

/// R², root mean squared error, mean absolute error.
#[must_use]
pub fn regression(predicted: &[f64], actual: &[f64]) -> Map<String, Value> {
    let rows = actual.len() as f64;
    let mean = actual.iter().sum::<f64>() / rows;
    let spread: f64 = actual
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let errors = || {
        predicted
            .iter()
            .zip(actual)
            .map(|(predicted, actual)| predicted - actual)
    };
    let squares: f64 = errors().map(|error| error * error).sum();
    let mut metrics = Map::new();
    let r2 = (spread > 0.0).then(|| 1.0 - squares / spread);
    metrics.insert("r2".into(), json!(r2));
    metrics.insert("rmse".into(), json!((squares / rows).sqrt()));
    metrics.insert(
        "mae".into(),
        json!(errors().map(f64::abs).sum::<f64>() / rows),
    );
    metrics
}

/// Probability that a row of class 1 scores above a row of class 0, ties counting half; none when a
/// class has no row.
#[must_use]
pub fn auc(scores: &[f64], classes: &[usize]) -> Option<f64> {
    let mut pairs: Vec<(f64, usize)> = scores
        .iter()
        .copied()
        .zip(classes.iter().copied())
        .collect();
    pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (mut below, mut wins) = (0.0, 0.0);
    for group in pairs.chunk_by(|left, right| left.0 == right.0) {
        let positive = group.iter().filter(|(_, class)| *class == 1).count() as f64;
        let negative = group.len() as f64 - positive;
        wins += positive * (below + 0.5 * negative);
        below += negative;
    }
    let positives = pairs.len() as f64 - below;
    (below > 0.0 && positives > 0.0).then(|| wins / (below * positives))
}

/// Mean over the classes of the harmonic mean of precision and recall; classes never seen nor
/// predicted do not count.
fn f1_macro(confusion: &[Vec<u64>]) -> f64 {
    let (mut sum, mut seen) = (0.0, 0.0);
    for (class, row) in confusion.iter().enumerate() {
        let actual: u64 = row.iter().sum();
        let predicted: u64 = confusion.iter().map(|row| row[class]).sum();
        if actual + predicted > 0 {
            sum += 2.0 * row[class] as f64 / (actual + predicted) as f64;
            seen += 1.0;
        }
    }
    if seen > 0.0 { sum / seen } else { 0.0 }
}

/// Mean silhouette of rows in clusters, from −1 to 1; none when there are not two clusters.
#[must_use]
pub fn silhouette(rows: &[Vec<f64>], clusters: &[usize], count: usize) -> Option<f64> {
    let mut sizes = vec![0.0f64; count];
    clusters.iter().for_each(|cluster| sizes[*cluster] += 1.0);
    if sizes.iter().filter(|size| **size > 0.0).count() < 2 {
        return None;
    }
    let mut sum = 0.0;
    for (row, own) in rows.iter().zip(clusters) {
        if sizes[*own] < 2.0 {
            continue;
        }
        let mut distances = vec![0.0f64; count];
        for (other, cluster) in rows.iter().zip(clusters) {
            distances[*cluster] += crate::kmeans::squared(row, other).sqrt();
        }
        let inside = distances[*own] / (sizes[*own] - 1.0);
        let outside = (0..count)
            .filter(|cluster| cluster != own && sizes[*cluster] > 0.0)
            .map(|cluster| distances[cluster] / sizes[cluster])
            .fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        sum += if larger > 0.0 {
            (outside - inside) / larger
        } else {
            0.0
        };
    }
    Some(sum / rows.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ties_half() {
        assert_eq!(auc(&[0.1, 0.9], &[0, 1]), Some(1.0));
        assert_eq!(auc(&[0.5, 0.5], &[0, 1]), Some(0.5));
        assert_eq!(auc(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1]), Some(0.75));
        assert_eq!(auc(&[0.1], &[0]), None);
    }

    #[test]
    fn a_perfect_and_a_constant_regression() {
        let perfect = regression(&[1.0, 2.0], &[1.0, 2.0]);
        assert_eq!(perfect["r2"], json!(1.0));
        let constant = regression(&[1.5, 1.5], &[1.0, 2.0]);
        assert_eq!(constant["r2"], json!(0.0));
        assert_eq!(regression(&[1.0], &[1.0])["r2"], Value::Null);
    }

    #[test]
    fn f1_of_a_known_matrix() {
        // scikit-learn: f1_score([0,0,1,1,2,2],[0,1,1,1,2,0], average="macro") = 0.6555…
        let confusion = vec![vec![1, 1, 0], vec![0, 2, 0], vec![1, 0, 1]];
        assert!((f1_macro(&confusion) - 0.655_555_555_555_555_6).abs() < 1e-12);
    }

    #[test]
    fn silhouette_of_two_far_pairs_is_near_one() {
        let rows = vec![vec![0.0], vec![0.1], vec![10.0], vec![10.1]];
        assert!(silhouette(&rows, &[0, 0, 1, 1], 2).is_some_and(|value| value > 0.98));
        assert_eq!(silhouette(&rows, &[0, 0, 0, 0], 2), None);
    }
}
