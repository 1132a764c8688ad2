//! Two things timed in one run, in turns, so that the noise of the machine hits both.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::Outcome;

/// Times of two things, by repetition.
#[derive(Debug, Default)]
pub struct Pairs {
    ours: Vec<f64>,
    plain: Vec<f64>,
}

/// A median and how far the repetitions lie apart.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Median.
    pub median: f64,
    /// Interquartile range relative to the median.
    pub spread: f64,
}

impl Pairs {
    /// Our times in seconds.
    pub fn ours(&self) -> &[f64] {
        &self.ours
    }

    /// Adds a repetition.
    pub fn add(&mut self, ours: Duration, plain: Duration) {
        self.ours.push(ours.as_secs_f64());
        self.plain.push(plain.as_secs_f64());
    }

    /// By the median over the repetitions: for calls long enough that waiting for a processor is a small part of them.
    pub fn typical(&self) -> Comparison {
        let ratio = self.ratio();
        self.comparison(ratio.median, 0.5)
    }

    /// By the least disturbed tenth: for calls of a few milliseconds. Waiting for a processor adds the same milliseconds
    /// to both sides, so that on a busy machine the median would look better than the work is.
    pub fn quiet(&self) -> Comparison {
        let time = low(&self.ours) / low(&self.plain);
        self.comparison(time, QUIET)
    }

    /// Our times relative to the plain ones, repetition by repetition.
    fn ratio(&self) -> Figure {
        figure(
            self.ours
                .iter()
                .zip(&self.plain)
                .map(|(ours, plain)| ours / plain),
        )
    }

    fn comparison(&self, time: f64, share: f64) -> Comparison {
        let of = |times: &[f64]| quantile(&sorted(times), share) * 1_000.0;
        Comparison {
            time,
            ours_ms: of(&self.ours),
            plain_ms: of(&self.plain),
            spread: self.ratio().spread,
        }
    }
}

/// Share of the repetitions that [`Pairs::quiet`] looks at.
const QUIET: f64 = 0.1;

/// Two things compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Our time as a multiple of the plain one.
    pub time: f64,
    /// Our time, in milliseconds.
    pub ours_ms: f64,
    /// The plain one, in milliseconds.
    pub plain_ms: f64,
    /// Interquartile range of the ratios of the repetitions, relative to their median.
    pub spread: f64,
}

impl Comparison {
    /// Our rate as a share of the plain one.
    pub fn rate(&self) -> f64 {
        1.0 / self.time
    }
}

/// Runs two things one after the other, the second first in every other turn. Answers and times.
pub async fn in_turn<A, B>(
    turn: usize,
    ours: impl Future<Output = Outcome<A>>,
    plain: impl Future<Output = Outcome<B>>,
) -> Outcome<((A, Duration), (B, Duration))> {
    if turn.is_multiple_of(2) {
        let ours = timed(ours).await?;
        Ok((ours, timed(plain).await?))
    } else {
        let plain = timed(plain).await?;
        Ok((timed(ours).await?, plain))
    }
}

/// The answer of a call and how long it took.
pub async fn timed<T>(call: impl Future<Output = Outcome<T>>) -> Outcome<(T, Duration)> {
    let started = Instant::now();
    let answer = call.await?;
    Ok((answer, started.elapsed()))
}

/// The time that the least disturbed tenth stays within.
pub fn low(times: &[f64]) -> f64 {
    quantile(&sorted(times), QUIET)
}

/// Values in ascending order.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// Median and spread of some values.
pub fn figure(values: impl IntoIterator<Item = f64>) -> Figure {
    let values = sorted(&values.into_iter().collect::<Vec<f64>>());
    let median = quantile(&values, 0.5);
    let range = quantile(&values, 0.75) - quantile(&values, 0.25);
    Figure {
        median,
        spread: range / median,
    }
}

/// A quantile of sorted values, between neighbours where it falls between them; NaN of none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_fall_between_neighbours() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(quantile(&sorted, 0.5), 2.5);
        assert_eq!(quantile(&sorted, 0.0), 1.0);
        assert_eq!(quantile(&sorted, 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_slow_moment_that_hits_both_does_not_change_the_ratio() {
        let mut pairs = Pairs::default();
        for factor in [1, 1, 10, 1, 10] {
            pairs.add(
                Duration::from_millis(20 * factor),
                Duration::from_millis(10 * factor),
            );
        }
        let typical = pairs.typical();
        assert!((typical.rate() - 0.5).abs() < 1e-9);
        assert!((typical.time - 2.0).abs() < 1e-9);
        assert!(typical.spread < 1e-9);
    }

    #[test]
    fn waiting_that_is_added_to_both_does_not_flatter_a_short_call() {
        let mut pairs = Pairs::default();
        for wait in [4, 4, 0, 4, 4, 4, 4, 0, 4, 4] {
            pairs.add(
                Duration::from_millis(2 + wait),
                Duration::from_millis(1 + wait),
            );
        }
        assert!(pairs.typical().time < 1.3);
        assert!((pairs.quiet().time - 2.0).abs() < 0.1);
    }
}
