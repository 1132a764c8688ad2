//! Which rows train and which measure.

use std::collections::BTreeMap;

use crate::rng::Rng;

/// Rows of the data, each list in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Rows that train.
    pub train: Vec<usize>,
    /// Rows that measure.
    pub test: Vec<usize>,
}

/// Splits `rows`: of each class (`class` of a row) about `share` are held out, by lot.
///
/// At least one row of each class trains. Without classes, all rows have the same `class`.
#[must_use]
pub fn stratified(rows: &[usize], class: impl Fn(usize) -> usize, share: f64, seed: u64) -> Split {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for row in rows {
        groups.entry(class(*row)).or_default().push(*row);
    }
    let mut rng = Rng::new(seed, 1);
    let mut split = Split {
        train: vec![],
        test: vec![],
    };
    // What rounding leaves over goes on to the next class, so that the total is as asked.
    let mut owed = 0.0;
    for (_, mut group) in groups {
        rng.shuffle(&mut group);
        owed += group.len() as f64 * share;
        let held_out = (owed.round().max(0.0) as usize).min(group.len().saturating_sub(1));
        owed -= held_out as f64;
        split.test.extend_from_slice(&group[..held_out]);
        split.train.extend_from_slice(&group[held_out..]);
    }
    split.train.sort_unstable();
    split.test.sort_unstable();
    split
}
