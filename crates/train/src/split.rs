//! Which rows train and which measure.

use std::collections::BTreeMap;

/// Rows of the data, each list in ascending order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// Rows that train.
    pub train: Vec<usize>,
    /// Rows that measure.
    pub test: Vec<usize>,
    /// Of each class, the smallest lot that trains: no row with a smaller one did.
    pub cuts: Vec<f64>,
    /// The lots of all rows of the data.
    pub lots: Vec<f64>,
}

/// Splits `rows`: of each class (`class` of a row) about `share` are held out, those with the smallest lots.
///
/// At least one row of each class trains, and one row at least is held out if any are to be and a class has two. Without classes, all
/// rows have the same `class`.
#[must_use]
pub fn stratified(
    rows: &[usize],
    class: impl Fn(usize) -> usize,
    share: f64,
    lots: Vec<f64>,
) -> Split {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for row in rows {
        groups.entry(class(*row)).or_default().push(*row);
    }
    let share = if share > 0.0 {
        share.max(1.0 / rows.len() as f64)
    } else {
        0.0
    };
    let mut split = Split::default();
    // What rounding leaves over goes on to the next class, so that the total is as asked.
    let mut owed = 0.0;
    for (_, mut group) in groups {
        owed += group.len() as f64 * share;
        let held_out = (owed.round().max(0.0) as usize).min(group.len().saturating_sub(1));
        owed -= held_out as f64;
        let (test, first, _) = group
            .select_nth_unstable_by(held_out, |left, right| lots[*left].total_cmp(&lots[*right]));
        split.cuts.push(lots[*first]);
        split.test.extend_from_slice(test);
        split.train.extend_from_slice(&group[held_out..]);
    }
    split.train.sort_unstable();
    split.test.sort_unstable();
    split.lots = lots;
    split
}

/// Splits `rows` whose groups share lots: about `share` of them are held out, groups whole. At least one row of each of the `classes`
/// trains.
#[must_use]
pub fn grouped(
    rows: &[usize],
    class: impl Fn(usize) -> usize,
    classes: usize,
    share: f64,
    lots: Vec<f64>,
) -> Split {
    let mut sorted: Vec<f64> = rows.iter().map(|row| lots[*row]).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut last_of = vec![0.0_f64; classes.max(1)];
    for row in rows {
        let last = &mut last_of[class(*row)];
        *last = last.max(lots[*row]);
    }
    let wanted = (rows.len() as f64 * share).round() as usize;
    let cut = sorted.get(wanted).or(sorted.last()).copied();
    let cut = last_of.iter().copied().fold(cut.unwrap_or(0.0), f64::min);
    let (test, train) = rows.iter().partition(|row| lots[**row] < cut);
    Split {
        train,
        test,
        cuts: vec![cut; last_of.len()],
        lots,
    }
}
