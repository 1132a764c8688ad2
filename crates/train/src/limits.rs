//! How much a training may take, and how it is stopped.

use crate::error::{Cancelled, TrainError};

/// The bounds of a training. What would exceed one is refused before memory is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainLimits {
    /// Rows, counted before those without a label are dropped.
    pub rows_max: usize,
    /// Features, counted before they become columns.
    pub features_max: usize,
    /// Bytes that the training may hold at once, beyond the data that it is handed.
    pub memory_bytes_max: usize,
    /// Seconds on the pulse's clock.
    pub seconds_max: f64,
}

/// Asked every few milliseconds of work.
pub trait Pulse {
    /// Whether to go on.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the training is to stop.
    fn beat(&mut self) -> Result<(), Cancelled>;

    /// Seconds since the training began.
    fn seconds(&mut self) -> f64;
}

/// Operations between two beats: about a millisecond.
const UNITS_PER_BEAT: usize = 500_000;

/// Counts work and asks the pulse when enough has been done.
pub(crate) struct Work<'a> {
    pulse: &'a mut dyn Pulse,
    limits: &'a TrainLimits,
    units: usize,
}

impl<'a> Work<'a> {
    pub(crate) fn new(pulse: &'a mut dyn Pulse, limits: &'a TrainLimits) -> Self {
        Self {
            pulse,
            limits,
            units: 0,
        }
    }

    /// Notes that about `units` operations on numbers were done.
    pub(crate) fn done(&mut self, units: usize) -> Result<(), TrainError> {
        self.units = self.units.saturating_add(units);
        if self.units < UNITS_PER_BEAT {
            return Ok(());
        }
        self.units = 0;
        self.pulse.beat()?;
        if self.pulse.seconds() > self.limits.seconds_max {
            return Err(TrainError::OutOfTime {
                seconds: self.limits.seconds_max,
            });
        }
        Ok(())
    }

    /// Terms that may be counted at once: each takes about 128 bytes.
    pub(crate) fn terms_max(&self) -> usize {
        self.limits.memory_bytes_max / 128
    }

    /// Whether arrays of these sizes in bytes may be made.
    pub(crate) fn reserve(&self, bytes: &[usize]) -> Result<(), TrainError> {
        let found = bytes
            .iter()
            .fold(0usize, |sum, bytes| sum.saturating_add(*bytes));
        within("memory_bytes_max", found, self.limits.memory_bytes_max)
    }
}

pub(crate) fn within(name: &'static str, found: usize, max: usize) -> Result<(), TrainError> {
    if found > max {
        Err(TrainError::OverLimit { name, found, max })
    } else {
        Ok(())
    }
}
