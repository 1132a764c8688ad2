//! Implicit feedback: who met what, how strongly, and which of it is kept to measure recommendations.

use std::collections::BTreeMap;

use offline_sync_model::rank::{Metric, top_k};

use crate::als::check_id;
use crate::data::TrainData;
use crate::error::TrainError;
use crate::limits::Work;
use crate::rng::Rng;

/// How many recommendations are looked at.
pub(crate) const RANKS: usize = 10;

/// For each row of a sparse matrix: columns and weights, in the order of the columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Links {
    starts: Vec<usize>,
    entries: Vec<(u32, f64)>,
}

impl Links {
    /// The entries of a row.
    pub(crate) fn row(&self, row: usize) -> &[(u32, f64)] {
        let bounds = self.starts.get(row).zip(self.starts.get(row + 1));
        bounds
            .and_then(|(start, end)| self.entries.get(*start..*end))
            .unwrap_or(&[])
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<(u32, f64)>() + self.starts.len() * size_of::<usize>()
    }

    /// Rows in the order given, each a list of entries.
    fn from_rows<R: IntoIterator<Item = (u32, f64)>>(rows: impl IntoIterator<Item = R>) -> Self {
        let mut links = Self {
            starts: vec![0],
            entries: vec![],
        };
        for row in rows {
            links.entries.extend(row);
            links.starts.push(links.entries.len());
        }
        links
    }

    /// Rows and columns exchanged.
    pub(crate) fn transposed(&self, columns: usize) -> Self {
        let mut starts = vec![0usize; columns + 1];
        for (column, _) in &self.entries {
            starts[*column as usize + 1] += 1;
        }
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for row in 0..self.rows() {
            for &(column, weight) in self.row(row) {
                entries[next[column as usize]] = (row as u32, weight);
                next[column as usize] += 1;
            }
        }
        Self { starts, entries }
    }
}

/// Who met what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feedback {
    /// Names of the users, sorted.
    pub users: Vec<String>,
    /// Names of the items, sorted.
    pub items: Vec<String>,
    /// For each user: items and weights.
    pub links: Links,
    /// Rows that named nobody, nothing or no positive weight.
    pub skipped: usize,
}

impl Feedback {
    /// Reads rows of a user, an item and, if there is a numeric column, a weight. Weights of rows with
    /// the same user and item are added.
    pub(crate) fn read(
        data: &TrainData,
        weighted: bool,
        work: &mut Work<'_>,
    ) -> Result<Self, TrainError> {
        let mut by_user: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        let mut items: BTreeMap<&str, u32> = BTreeMap::new();
        let mut skipped = 0;
        for (row, pair) in data.categorical.chunks_exact(2).enumerate() {
            let weight = if weighted {
                data.numeric.get(row).copied()
            } else {
                Some(1.0)
            };
            let weight = weight.filter(|weight| *weight > 0.0 && weight.is_finite());
            let (Some(user), Some(item), Some(weight)) = (&pair[0], &pair[1], weight) else {
                skipped += 1;
                continue;
            };
            check_id("user", user)?;
            check_id("item", item)?;
            items.insert(item, 0);
            *by_user.entry(user).or_default().entry(item).or_default() += weight;
            work.done(200)?;
        }
        for (index, place) in items.values_mut().enumerate() {
            *place = index as u32;
        }
        let rows = by_user
            .values()
            .map(|met| met.iter().map(|(item, weight)| (items[item], *weight)));
        Ok(Self {
            links: Links::from_rows(rows),
            users: by_user.keys().map(|user| (*user).to_string()).collect(),
            items: items.keys().map(|item| (*item).to_string()).collect(),
            skipped,
        })
    }

    /// Keeps a share of what met from the training; everyone and everything stays known.
    pub(crate) fn split(&self, share: f64, seed: u64) -> (Self, Links) {
        let mut rng = Rng::new(seed, 0x7370_6c69);
        let mut kept = vec![];
        let mut held = vec![];
        for row in 0..self.links.rows() {
            let (test, train): (Vec<_>, Vec<_>) = self
                .links
                .row(row)
                .iter()
                .copied()
                .partition(|_| rng.unit() < share);
            kept.push(train);
            held.push(test);
        }
        (
            Self {
                links: Links::from_rows(kept),
                ..self.clone()
            },
            Links::from_rows(held),
        )
    }
}

/// What recommendations are worth: the mean, over users with something held out, of the discounted gain
/// of their first ten items against the best order; items of the training are left out.
pub(crate) fn ndcg(
    train: &Links,
    held: &Links,
    users: &[f32],
    items: &[f32],
    factors: usize,
    work: &mut Work<'_>,
) -> Result<f64, TrainError> {
    mean_gain(train, held, work, |user, count, work| {
        work.done(items.len())?;
        let query = &users[user * factors..(user + 1) * factors];
        let hits = top_k(query, items, factors, count, Metric::Dot)?;
        Ok(hits.into_iter().map(|hit| hit.index as u32).collect())
    })
}

/// The same for recommending everyone what most users met.
pub(crate) fn popularity_ndcg(
    train: &Links,
    held: &Links,
    items: usize,
    work: &mut Work<'_>,
) -> Result<f64, TrainError> {
    let by_item = train.transposed(items);
    let mut order: Vec<u32> = (0..items as u32).collect();
    order.sort_by_key(|item| (usize::MAX - by_item.row(*item as usize).len(), *item));
    mean_gain(train, held, work, |_, count, _| {
        Ok(order.iter().copied().take(count).collect())
    })
}

fn mean_gain(
    train: &Links,
    held: &Links,
    work: &mut Work<'_>,
    mut best: impl FnMut(usize, usize, &mut Work<'_>) -> Result<Vec<u32>, TrainError>,
) -> Result<f64, TrainError> {
    let has = |links: &Links, user: usize, item: u32| {
        links
            .row(user)
            .binary_search_by_key(&item, |(item, _)| *item)
            .is_ok()
    };
    let discount = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let (mut sum, mut count) = (0.0, 0.0);
    for user in 0..held.rows() {
        let wanted = held.row(user).len();
        if wanted == 0 {
            continue;
        }
        let ranked = best(user, RANKS + train.row(user).len(), work)?;
        let gain: f64 = ranked
            .into_iter()
            .filter(|item| !has(train, user, *item))
            .take(RANKS)
            .enumerate()
            .filter(|(_, item)| has(held, user, *item))
            .map(|(rank, _)| discount(rank))
            .sum();
        let ideal: f64 = (0..wanted.min(RANKS)).map(discount).sum();
        sum += gain / ideal;
        count += 1.0;
    }
    Ok(if count > 0.0 { sum / count } else { 0.0 })
}
