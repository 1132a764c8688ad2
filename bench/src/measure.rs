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

/// How long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Median, in milliseconds.
    pub median_ms: f64,
    /// What 95 of 100 stay within, in milliseconds.
    pub high_ms: f64,
    /// Interquartile range relative to the median.
    pub spread: f64,
}

impl Pairs {
    /// Adds a repetition.
    pub fn add(&mut self, ours: Duration, plain: Duration) {
        self.ours.push(ours.as_secs_f64());
        self.plain.push(plain.as_secs_f64());
    }

    /// Our rate as a share of the plain one's: plain time by our time, repetition by repetition.
    pub fn rate(&self) -> Figure {
        let pairs = self.plain.iter().zip(&self.ours);
        figure(pairs.map(|(plain, ours)| plain / ours))
    }

    /// Our time as a multiple of the plain one, repetition by repetition.
    pub fn time(&self) -> Figure {
        let pairs = self.ours.iter().zip(&self.plain);
        figure(pairs.map(|(ours, plain)| ours / plain))
    }

    /// How long our side takes.
    pub fn ours(&self) -> Latency {
        latency(&self.ours)
    }

    /// Median times in milliseconds: ours, plain.
    pub fn medians_ms(&self) -> (f64, f64) {
        (
            latency(&self.ours).median_ms,
            latency(&self.plain).median_ms,
        )
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

/// What times, in seconds, say about how long something takes.
pub fn latency(seconds: &[f64]) -> Latency {
    let Figure { median, spread } = figure(seconds.iter().copied());
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    Latency {
        median_ms: median * 1_000.0,
        high_ms: quantile(&sorted, 0.95) * 1_000.0,
        spread,
    }
}

/// Median and spread of some values.
pub fn figure(values: impl IntoIterator<Item = f64>) -> Figure {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
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
        assert!((pairs.rate().median - 0.5).abs() < 1e-9);
        assert!((pairs.time().median - 2.0).abs() < 1e-9);
        assert!(pairs.time().spread < 1e-9);
    }
}
