//! What was deferred is tried again: each mutation alone, a group as one (sql/095_push_batch.sql).

use std::collections::{BTreeMap, BTreeSet};

use offline_sync_core::batch::parse_batch;
use offline_sync_core::plan::{Run, plan};

use super::{Pushing, verdict};
use crate::model::{Model, Queued};
use crate::table::Raw;

impl Model {
    /// Deferred mutations in the order of intent; what is behind another of the same row that goes on waiting waits with it.
    pub(super) fn retry(&mut self, pushing: &mut Pushing) {
        let mut units: BTreeMap<u64, Vec<(u64, Queued)>> = BTreeMap::new();
        for (seq, queued) in &self.devices[pushing.device].queue {
            if queued.dead.is_none() && !queued.decided {
                let group = queued
                    .group
                    .filter(|_| !self.faults.group_torn_in_the_queue);
                let unit = units.entry(group.unwrap_or(*seq)).or_default();
                unit.push((*seq, queued.clone()));
            }
        }
        let mut waiting: BTreeSet<Raw> = BTreeSet::new();
        for members in units.into_values() {
            let keys: Vec<Raw> = members
                .iter()
                .filter_map(|(_, queued)| queued.key.clone())
                .collect();
            let waits = keys.iter().any(|key| waiting.contains(key));
            if waits || !self.retry_unit(&members, pushing) {
                waiting.extend(keys);
            }
        }
    }

    /// Tries one unit again; false where it goes on waiting.
    fn retry_unit(&mut self, members: &[(u64, Queued)], pushing: &mut Pushing) -> bool {
        let device = pushing.device;
        let mut runs: Vec<Run> = Vec::new();
        let mut rejected: BTreeMap<u64, &'static str> = BTreeMap::new();
        for (seq, queued) in members {
            if let Some(queued) = self.devices[device].queue.get_mut(seq) {
                queued.decided = true;
            }
            let text = format!("{{\"v\":1,\"mutations\":[{}]}}", queued.mutation);
            let limits = self.limits;
            let batch = parse_batch(&text, &limits).expect("it was parsed before");
            let plan = plan(&batch, &self.tables, seq - 1).expect("it was planned before");
            runs.extend(plan.runs);
            rejected.extend(plan.rejected.iter().map(|one| (one.seq, one.code)));
        }
        if !rejected.is_empty() {
            for (seq, queued) in members {
                let code = rejected.get(seq).copied().unwrap_or("PT424");
                let mut result = verdict(*seq, "rejected");
                result.code = Some(code.to_owned());
                self.keep(
                    device,
                    *seq,
                    Queued::new(&queued.mutation, None, Some(code)),
                );
                pushing.results.push(result);
            }
            return true;
        }
        let texts: BTreeMap<u64, &str> = members
            .iter()
            .map(|(seq, queued)| (*seq, &*queued.mutation))
            .collect();
        let before = pushing.results.len();
        pushing.waiting.clear();
        self.execute(&runs, &|seq| texts[&seq], pushing);
        let waits = pushing
            .results
            .last()
            .is_some_and(|result| result.status == "deferred");
        if waits {
            pushing.results.truncate(before);
        }
        !waits
    }
}
