//! Push: the core plans and decides, this executes (sql/085_push_merge.sql, 090_push.sql, 095_push_batch.sql).

mod apply;
mod decide;
mod execute;
mod group;
mod retry;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use offline_sync_core::batch::parse_batch;
use offline_sync_core::plan::{Run, plan};
use serde_json::value::RawValue;

use super::{Model, Queued};
use crate::answer::{PushAnswer, Verdict};
use crate::table::Raw;

/// One mutation of a run.
struct Single<'r> {
    run: &'r Run,
    at: usize,
    row: &'r RawValue,
    before: Option<&'r RawValue>,
    mutation: &'r str,
}

impl Single<'_> {
    fn seq(&self) -> u64 {
        self.run.seqs[self.at]
    }

    fn key(&self) -> Raw {
        format!("\"{}\"", self.run.keys[self.at]).into()
    }
}

/// What a push remembers while it goes on.
struct Pushing {
    device: usize,
    xid: u64,
    now_ms: u64,
    waiting: BTreeSet<Raw>,
    results: Vec<Verdict>,
    /// The latest clock of the rows that the answer shows.
    latest_hlc: Cell<u64>,
}

fn verdict(seq: u64, status: &str) -> Verdict {
    Verdict {
        seq,
        status: status.to_owned(),
        was: None,
        version: None,
        scope: None,
        columns: BTreeMap::new(),
        row: None,
        code: None,
    }
}

impl Model {
    pub(super) fn take_batch(
        &mut self,
        device: usize,
        text: &str,
        now_ms: u64,
    ) -> Result<PushAnswer, String> {
        let acked = self.devices[device].acked;
        let limits = self.limits;
        let batch = parse_batch(text, &limits).map_err(|error| error.to_string())?;
        let texts = mutation_texts(text);
        let first = batch.mutations.first().map_or(0, |mutation| mutation.seq);
        let plan = plan(&batch, &self.tables, acked).map_err(|error| error.to_string())?;
        if self.faults.crash_loses_push {
            let rows = self.rows.iter();
            self.last_push = Some(
                rows.map(|(key, stored)| (key.clone(), stored.clone()))
                    .collect(),
            );
        }
        let mut pushing = Pushing {
            device,
            xid: self.take_xid(),
            now_ms,
            waiting: BTreeSet::new(),
            results: Vec::new(),
            latest_hlc: Cell::new(now_ms << 16),
        };
        self.retry(&mut pushing);
        let queue = &self.devices[device].queue;
        let waiting = queue
            .values()
            .filter(|queued| queued.dead.is_none() && !queued.decided);
        pushing.waiting = waiting.filter_map(|queued| queued.key.clone()).collect();
        for seq in &plan.duplicates {
            let result = self.duplicate(device, *seq);
            pushing.results.push(result);
        }
        let text_of = |seq: u64| texts[(seq - first) as usize].get();
        for rejected in &plan.rejected {
            let mut result = verdict(rejected.seq, "rejected");
            result.code = Some(rejected.code.to_owned());
            let dead = Queued::new(text_of(rejected.seq), None, Some(rejected.code));
            self.keep(device, rejected.seq, dead);
            pushing.results.push(result);
        }
        self.execute(&plan.runs, &text_of, &mut pushing);
        let last = batch.mutations.last().map_or(0, |mutation| mutation.seq);
        if !self.faults.acked_not_advanced {
            self.devices[device].acked = acked.max(last);
        }
        pushing.results.sort_by_key(|result| result.seq);
        pushing.results.dedup_by_key(|result| result.seq);
        Ok(PushAnswer {
            acked_seq: self.devices[device].acked,
            server_hlc: pushing.latest_hlc.get(),
            results: pushing.results,
        })
    }

    /// What became of a seq that was acknowledged before.
    fn duplicate(&self, device: usize, seq: u64) -> Verdict {
        let device = &self.devices[device];
        let queued = device.queue.get(&seq).filter(|queued| !queued.decided);
        let mut result = verdict(seq, "duplicate");
        let was = match (queued, device.conflicts.get(&seq)) {
            (Some(queued), _) if queued.dead.is_some() => {
                result.code = queued.dead.clone();
                "rejected"
            }
            (Some(_), _) => "deferred",
            (None, Some(true)) => "conflict",
            (None, Some(false)) => "merged",
            (None, None) => "applied",
        };
        result.was = Some(was.to_owned());
        result
    }

    fn keep(&mut self, device: usize, seq: u64, queued: Queued) {
        if self.faults.queue_lost && queued.dead.is_none() {
            return;
        }
        self.devices[device].queue.insert(seq, queued);
    }
}

/// The raw text of each mutation of a batch.
fn mutation_texts(batch: &str) -> Vec<&RawValue> {
    let batch: BTreeMap<&str, &RawValue> = serde_json::from_str(batch).expect("a batch");
    serde_json::from_str(batch["mutations"].get()).expect("mutations")
}
