//! All or nothing: the runs of a unit one after the other, taken back where one fails (sql/090_push.sql, 095_push_batch.sql).

use std::collections::BTreeSet;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Decided};

use super::{Pushing, Single};
use crate::answer::Verdict;
use crate::model::store::sets;
use crate::model::{Additions, Departure, Model, Stored, Title};
use crate::table::{Raw, Row, TEAM};

/// What a unit may change, as it was before.
struct Saved {
    rows: Vec<(Raw, Option<Stored>)>,
    departures: Vec<((Raw, Raw), Departure)>,
    titles: Vec<(Raw, Option<Title>)>,
    sets: Vec<((Raw, usize), Option<Additions>)>,
    log: usize,
}

impl Model {
    /// Executes a unit; where a run fails, its position and the SQLSTATE.
    pub(super) fn apply_unit<'r>(
        &mut self,
        unit: &[impl AsRef<[Single<'r>]>],
        pushing: &Pushing,
    ) -> Result<Vec<Verdict>, (usize, &'static str)> {
        let singles = || unit.iter().flat_map(AsRef::as_ref);
        let saved = (singles().count() > 1).then(|| self.save(singles().map(Single::key)));
        let mut results = Vec::new();
        for (at, run) in unit.iter().enumerate() {
            match self.apply_run(run.as_ref(), pushing) {
                Ok(verdicts) => results.extend(verdicts),
                Err(code) => {
                    if let Some(saved) = saved {
                        self.restore(saved);
                        let conflicts = &mut self.devices[pushing.device].conflicts;
                        for single in singles() {
                            conflicts.remove(&single.seq());
                        }
                    }
                    return Err((at, code));
                }
            }
        }
        Ok(results)
    }

    /// A run as one statement of each kind: all rows are locked, then all are decided, then written.
    fn apply_run(
        &mut self,
        run: &[Single<'_>],
        pushing: &Pushing,
    ) -> Result<Vec<Verdict>, &'static str> {
        let stored = |model: &Model, key: &Raw| model.rows.get(key).cloned().unwrap_or_default();
        if run.iter().any(|single| single.run.op == Op::Insert) {
            let insert = |single: &Single<'_>| {
                let key = single.key();
                let before = stored(self, &key);
                self.insert(single, &key, &before, pushing)
            };
            return run.iter().map(insert).collect();
        }
        let mut decided = Vec::with_capacity(run.len());
        for single in run {
            let key = single.key();
            let before = stored(self, &key);
            let sees = |row: &&Row| self.devices[pushing.device].teams.contains(&row[TEAM]);
            if before.row.as_ref().is_some_and(|row| sees(&row)) && self.locked(&key) {
                return Err("55P03");
            }
            decided.push((single, key, before));
        }
        let decide = |(single, key, before): (_, Raw, Stored)| {
            let sees = |row: &&Row| self.devices[pushing.device].teams.contains(&row[TEAM]);
            let visible = before.row.as_ref().filter(sees);
            let decision = self.decide(single, &key, &before, visible, pushing);
            (single, key, before, decision)
        };
        let mut decided: Vec<_> = decided.into_iter().map(decide).collect();
        let rejection = decided
            .iter()
            .filter_map(|(.., decided)| rejection(decided))
            .min();
        if let Some(code) = rejection {
            return Err(code);
        }
        decided.sort_by_key(|(.., decided)| rank(&decided.decision.action));
        let mut results = Vec::with_capacity(decided.len());
        for (single, key, before, decision) in decided {
            results.push(self.apply(single, &key, before, decision, pushing)?);
        }
        results.sort_by_key(|result| result.seq);
        Ok(results)
    }

    fn save(&self, keys: impl Iterator<Item = Raw>) -> Saved {
        let keys: BTreeSet<Raw> = keys.collect();
        let departures = self.departures.iter();
        let departures = departures.filter(|((key, _), _)| keys.contains(key));
        let of_sets = |key: &Raw| {
            sets()
                .map(|column| (key.clone(), column))
                .collect::<Vec<_>>()
        };
        Saved {
            departures: departures
                .map(|(place, gone)| (place.clone(), gone.clone()))
                .collect(),
            titles: keys
                .iter()
                .map(|key| (key.clone(), self.titles.get(key).cloned()))
                .collect(),
            sets: keys
                .iter()
                .flat_map(of_sets)
                .map(|place| (place.clone(), self.sets.get(&place).cloned()))
                .collect(),
            log: self.log.len(),
            rows: keys
                .into_iter()
                .map(|key| (key.clone(), self.rows.get(&key).cloned()))
                .collect(),
        }
    }

    fn restore(&mut self, saved: Saved) {
        for (key, stored) in saved.rows {
            self.departures.retain(|(left, _), _| *left != key);
            match stored {
                Some(stored) => self.put(key, stored),
                None => {
                    self.put(key.clone(), Stored::default());
                    self.rows.remove(&key);
                }
            }
        }
        self.departures.extend(saved.departures);
        for (key, title) in saved.titles {
            match title {
                Some(title) => drop(self.titles.insert(key, title)),
                None => drop(self.titles.remove(&key)),
            }
        }
        for (place, set) in saved.sets {
            match set {
                Some(set) => drop(self.sets.insert(place, set)),
                None => drop(self.sets.remove(&place)),
            }
        }
        self.log.truncate(saved.log);
    }
}

fn rejection(decided: &Decided) -> Option<&'static str> {
    match decided.decision.action {
        Action::Reject { code, .. } => Some(code),
        _ => None,
    }
}

/// The order in which the database writes what was decided.
fn rank(action: &Action) -> u8 {
    match action {
        Action::Update => 0,
        Action::Insert => 1,
        Action::Delete => 2,
        Action::Resurrect => 3,
        Action::Nothing | Action::Reject { .. } => 4,
    }
}
