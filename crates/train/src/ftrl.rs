//! FTRL-proximal, row by row: training, and going on from a stored state.
//!
//! linfa-ftrl takes a whole batch as one step, rounds probabilities to f32, starts from random numbers
//! and has no constructor to resume from stored sums.

use offline_sync_model::models::Ftrl;

use crate::error::TrainError;
use crate::limits::Work;
use crate::matrix::Matrix;
use crate::rng::Rng;
use crate::spec::Params;

/// Scaled values beyond this count as this one: a single outlier must not undo what was learned.
const CLIP: f64 = 100.0;

/// Parameters of FTRL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FtrlParams {
    alpha: f64,
    beta: f64,
    l1: f64,
    l2: f64,
    epochs: usize,
}

impl FtrlParams {
    pub(crate) fn of(params: &mut Params) -> Result<Self, TrainError> {
        Ok(Self {
            alpha: params.number("alpha", 0.1, 1e-6, 10.0)?,
            beta: params.number("beta", 1.0, 1e-3, 1e6)?,
            l1: params.number("l1", 0.0, 0.0, 1e6)?,
            l2: params.number("l2", 0.1, 0.0, 1e6)?,
            epochs: params.count("epochs", 5, 1, 1_000)?,
        })
    }
}

/// Learns from scaled rows in random order, several times over.
pub(crate) fn fit(
    matrix: &Matrix,
    classes: &[f64],
    params: &FtrlParams,
    seed: u64,
    work: &mut Work<'_>,
) -> Result<Ftrl, TrainError> {
    let zeros = vec![0.0; matrix.columns + 1];
    let mut state = Ftrl {
        alpha: params.alpha,
        beta: params.beta,
        l1: params.l1,
        l2: params.l2,
        z: zeros.clone(),
        n: zeros,
        rows: 0,
    };
    let mut order: Vec<usize> = (0..matrix.rows).collect();
    let mut rng = Rng::new(seed, 3);
    for _ in 0..params.epochs {
        rng.shuffle(&mut order);
        learn(
            &mut state,
            order.iter().map(|row| (matrix.row(*row), classes[*row])),
            work,
        )?;
    }
    state.rows = matrix.rows as u64;
    Ok(state)
}

/// Learns from scaled rows in their order. Columns that are 0 cost nothing.
pub(crate) fn learn<'a>(
    state: &mut Ftrl,
    rows: impl Iterator<Item = (&'a [f64], f64)>,
    work: &mut Work<'_>,
) -> Result<(), TrainError> {
    let constant = state.z.len() - 1;
    let mut active: Vec<(usize, f64, f64)> = vec![];
    for (row, class) in rows {
        active.clear();
        for (column, value) in row.iter().enumerate() {
            if *value != 0.0 {
                active.push((column, value.clamp(-CLIP, CLIP), state.weight(column)));
            }
        }
        active.push((constant, 1.0, state.weight(constant)));
        let logit: f64 = active.iter().map(|(_, value, weight)| value * weight).sum();
        let error = 1.0 / (1.0 + (-logit).exp()) - class;
        for (column, value, weight) in &active {
            let gradient = error * value;
            let n = state.n[*column];
            let rate = ((n + gradient * gradient).sqrt() - n.sqrt()) / state.alpha;
            state.z[*column] += gradient - rate * weight;
            state.n[*column] = n + gradient * gradient;
        }
        state.rows = state.rows.saturating_add(1);
        work.done(row.len() + active.len() * 20)?;
    }
    Ok(())
}
