//! Runs in order, what fails alone, what depends on it with it (sql/095_push_batch.sql).

use std::collections::BTreeSet;

use offline_sync_core::plan::Run;
use serde_json::value::RawValue;

use super::{Pushing, Single, verdict};
use crate::answer::Verdict;
use crate::model::{Model, Queued};
use crate::table::Raw;

/// What hit a constraint and gets another chance when all else is in place, and what builds on it.
#[derive(Default)]
struct Late<'s, 'r> {
    singles: Vec<&'s Single<'r>>,
    seqs: BTreeSet<u64>,
    rows: BTreeSet<Raw>,
}

impl<'s, 'r> Late<'s, 'r> {
    fn add(&mut self, single: &'s Single<'r>) {
        self.singles.push(single);
        self.seqs.insert(single.seq());
        self.rows.insert(single.key());
    }
}

/// Where a unit failed: the position of the run, and the SQLSTATE.
type Failed = (usize, &'static str);

impl Model {
    pub(super) fn execute<'r>(
        &mut self,
        runs: &'r [Run],
        text_of: &dyn Fn(u64) -> &'r str,
        pushing: &mut Pushing,
    ) {
        let singles: Vec<Vec<Single<'r>>> =
            runs.iter().map(|run| singles_of(run, text_of)).collect();
        let mut late = Late::default();
        let mut next = 0;
        while next < runs.len() {
            let first = next;
            let unit = |run: &&Run| run.unit == runs[first].unit;
            let is_group = runs[first].group.is_some() && !self.faults.group_torn;
            next += runs[first..].iter().take_while(unit).count().max(1);
            if is_group {
                let outcome = self.attempt(&singles[first..next], Some(&late), pushing);
                self.conclude(&singles[first..next], outcome, pushing);
                continue;
            }
            for single in singles[first..next].iter().flatten() {
                self.execute_single(single, &mut late, pushing);
            }
        }
        for single in late.singles {
            let unit = [std::slice::from_ref(single)];
            let outcome = self.attempt(&unit, None, pushing);
            self.conclude(&unit, outcome, pushing);
        }
    }

    fn execute_single<'s, 'r>(
        &mut self,
        single: &'s Single<'r>,
        late: &mut Late<'s, 'r>,
        pushing: &mut Pushing,
    ) {
        let unit = [std::slice::from_ref(single)];
        let blocked = self.blocked(pushing.device, &unit, &late.seqs);
        let behind = blocked.is_some_and(|(_, seq)| late.seqs.contains(&seq));
        if behind || late.rows.contains(&single.key()) {
            late.add(single);
            return;
        }
        match self.attempt(&unit, None, pushing) {
            Err((_, "23505")) => late.add(single),
            outcome => self.conclude(&unit, outcome, pushing),
        }
    }

    /// Whether a unit depends on what failed: whether that was rejected, and its seq; what was rejected first.
    fn blocked<'s, 'r: 's>(
        &self,
        device: usize,
        unit: &[impl AsRef<[Single<'r>]>],
        late: &BTreeSet<u64>,
    ) -> Option<(bool, u64)> {
        if self.faults.after_forgotten {
            return None;
        }
        let queue = &self.devices[device].queue;
        let singles = unit.iter().flat_map(AsRef::as_ref);
        let named = singles.filter_map(|single| single.run.after.get(single.at));
        let fates = named.flatten().filter_map(|seq| {
            let queued = queue.get(seq).filter(|queued| !queued.decided);
            let rejected = queued.map(|queued| queued.dead.is_some());
            let fate = rejected.or_else(|| late.contains(seq).then_some(false));
            fate.map(|rejected| (rejected, *seq))
        });
        fates.min_by_key(|(rejected, seq)| (!rejected, *seq))
    }

    /// Tries a unit, all or nothing. `late`: for a group, which cannot wait within the batch.
    fn attempt<'r>(
        &mut self,
        unit: &[impl AsRef<[Single<'r>]>],
        late: Option<&Late<'_, '_>>,
        pushing: &Pushing,
    ) -> Result<Vec<Verdict>, Failed> {
        let none = Late::default();
        let late = late.unwrap_or(&none);
        let mut keys = unit.iter().flat_map(AsRef::as_ref).map(Single::key);
        if keys.any(|key| pushing.waiting.contains(&key) || late.rows.contains(&key)) {
            return Err((0, "PT425"));
        }
        match self.blocked(pushing.device, unit, &late.seqs) {
            Some((true, _)) => Err((0, "PT424")),
            Some((false, _)) => Err((0, "PT425")),
            None => {
                let latest_hlc = pushing.latest_hlc.get();
                let outcome = self.apply_unit(unit, pushing);
                if outcome.is_err() {
                    pushing.latest_hlc.set(latest_hlc);
                }
                outcome
            }
        }
    }

    /// The verdicts on a unit. In a group that was rejected the failing run has the code, the others say that it failed.
    fn conclude<'r>(
        &mut self,
        unit: &[impl AsRef<[Single<'r>]>],
        outcome: Result<Vec<Verdict>, Failed>,
        pushing: &mut Pushing,
    ) {
        let (failed, code) = match outcome {
            Ok(results) => return pushing.results.extend(results),
            Err(failed) => failed,
        };
        let deferred = matches!(code, "55P03" | "PT425");
        let mut group = None;
        for (at, run) in unit.iter().enumerate() {
            let code = if deferred || at == failed {
                code
            } else {
                "PT424"
            };
            for single in run.as_ref() {
                let seq = single.seq();
                let status = if deferred { "deferred" } else { "rejected" };
                let mut result = verdict(seq, status);
                result.code = Some(code.to_owned());
                pushing.results.push(result);
                if single.run.group.is_some() && !self.faults.group_torn {
                    group = group.or(Some(seq));
                }
                let dead = (!deferred).then_some(code);
                let mut queued = Queued::new(single.mutation, Some(single.key()), dead);
                queued.group = group;
                self.keep(pushing.device, seq, queued);
                if deferred {
                    pushing.waiting.insert(single.key());
                }
            }
        }
    }
}

fn singles_of<'r>(run: &'r Run, text_of: &dyn Fn(u64) -> &'r str) -> Vec<Single<'r>> {
    let rows: Vec<&RawValue> = serde_json::from_str(&run.rows).expect("rows of a run");
    let befores = run.befores.as_deref();
    let befores: Option<Vec<Option<&RawValue>>> =
        befores.map(|text| serde_json::from_str(text).expect("befores of a run"));
    let befores = befores.unwrap_or_default();
    let single = |(at, row)| Single {
        run,
        at,
        row,
        before: befores.get(at).copied().flatten(),
        mutation: text_of(run.seqs[at]),
    };
    rows.into_iter().enumerate().map(single).collect()
}
