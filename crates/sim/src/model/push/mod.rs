//! Push: the core plans and decides, this executes (sql/085_push_merge.sql, 090_push.sql, 095_push_batch.sql).

use std::collections::{BTreeMap, BTreeSet};

use offline_sync_core::batch::{Op, parse_batch};
use offline_sync_core::merge::{Action, Decided, Needs, Outcome, Status, decide_run};
use offline_sync_core::plan::{Run, plan};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::store::{Author, sets};
use super::{BOUND_MS, Model, Past, Queued, Stamp, Stored};
use crate::answer::{LogEntry, PushAnswer, Verdict};
use crate::table::{COLUMNS, Raw, Row, TEAM, TITLE, defaults, find, json_of, laid_over};
use crate::value::{canonical, settle};

/// One mutation of a run.
struct Single<'r> {
    run: &'r Run,
    at: usize,
    row: &'r RawValue,
    before: Option<&'r RawValue>,
    /// `1:key`
    mutation: &'r str,
}

/// What a push remembers while it goes on.
struct Pushing {
    device: usize,
    xid: u64,
    now_ms: u64,
    waiting: BTreeSet<Raw>,
    results: Vec<Verdict>,
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
            self.keep(
                device,
                rejected.seq,
                text_of(rejected.seq),
                None,
                Some(rejected.code),
            );
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
            server_hlc: now_ms << 16,
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

    /// Deferred mutations, each alone; one behind another of the same row that goes on waiting waits with it.
    fn retry(&mut self, pushing: &mut Pushing) {
        let device = pushing.device;
        let queue = self.devices[device].queue.iter();
        let due = queue.filter(|(_, queued)| queued.dead.is_none() && !queued.decided);
        let due: Vec<(u64, Queued)> = due.map(|(seq, queued)| (*seq, queued.clone())).collect();
        let mut waiting: BTreeSet<Raw> = BTreeSet::new();
        for (seq, queued) in due {
            if queued.key.as_ref().is_some_and(|key| waiting.contains(key)) {
                continue;
            }
            if let Some(queued) = self.devices[device].queue.get_mut(&seq) {
                queued.decided = true;
            }
            let text = format!("{{\"v\":1,\"mutations\":[{}]}}", queued.mutation);
            let limits = self.limits;
            let batch = parse_batch(&text, &limits).expect("it was parsed before");
            let plan = plan(&batch, &self.tables, seq - 1).expect("it was planned before");
            let before = pushing.results.len();
            pushing.waiting.clear();
            for rejected in &plan.rejected {
                let mut result = verdict(seq, "rejected");
                result.code = Some(rejected.code.to_owned());
                self.keep(device, seq, &queued.mutation, None, Some(rejected.code));
                pushing.results.push(result);
            }
            self.execute(&plan.runs, &|_| queued.mutation.as_str(), pushing);
            if pushing
                .results
                .last()
                .is_some_and(|result| result.status == "deferred")
            {
                pushing.results.truncate(before);
                waiting.extend(queued.key);
            }
        }
    }

    fn keep(
        &mut self,
        device: usize,
        seq: u64,
        mutation: &str,
        key: Option<Raw>,
        dead: Option<&str>,
    ) {
        if self.faults.queue_lost && dead.is_none() {
            return;
        }
        let queued = Queued {
            mutation: mutation.to_owned(),
            key,
            dead: dead.map(str::to_owned),
            decided: false,
        };
        self.devices[device].queue.insert(seq, queued);
    }

    /// Runs in order. What hits a constraint gets another chance when all else is in place, and what builds on it waits with it.
    fn execute<'r>(
        &mut self,
        runs: &'r [Run],
        text_of: &dyn Fn(u64) -> &'r str,
        pushing: &mut Pushing,
    ) {
        let parsed: Vec<(Vec<&RawValue>, Vec<Option<&RawValue>>)> = runs
            .iter()
            .map(|run| {
                let rows = serde_json::from_str(&run.rows).expect("rows of a run");
                let befores = run.befores.as_deref();
                let befores =
                    befores.map(|text| serde_json::from_str(text).expect("befores of a run"));
                (rows, befores.unwrap_or_default())
            })
            .collect();
        let mut late = Vec::new();
        let mut late_rows: BTreeSet<&str> = BTreeSet::new();
        for (run, (rows, befores)) in runs.iter().zip(&parsed) {
            for (at, row) in rows.iter().enumerate() {
                let single = Single {
                    run,
                    at,
                    row,
                    before: befores.get(at).copied().flatten(),
                    mutation: text_of(run.seqs[at]),
                };
                if late_rows.contains(run.keys[at].as_str()) {
                    late.push(single);
                    continue;
                }
                match self.attempt(&single, pushing) {
                    Err("23505") => {
                        late_rows.insert(&run.keys[at]);
                        late.push(single);
                    }
                    outcome => self.conclude(&single, outcome, pushing),
                }
            }
        }
        for single in late {
            let outcome = self.attempt(&single, pushing);
            self.conclude(&single, outcome, pushing);
        }
    }

    fn conclude(
        &mut self,
        single: &Single<'_>,
        outcome: Result<Verdict, &'static str>,
        pushing: &mut Pushing,
    ) {
        let seq = single.run.seqs[single.at];
        let key = key_of(single);
        match outcome {
            Ok(result) => pushing.results.push(result),
            Err(code) => {
                let deferred = matches!(code, "55P03" | "PT425");
                let mut result = verdict(seq, if deferred { "deferred" } else { "rejected" });
                result.code = Some(code.to_owned());
                pushing.results.push(result);
                let dead = (!deferred).then_some(code);
                self.keep(
                    pushing.device,
                    seq,
                    single.mutation,
                    Some(key.clone()),
                    dead,
                );
                if deferred {
                    pushing.waiting.insert(key);
                }
            }
        }
    }

    fn attempt(&mut self, single: &Single<'_>, pushing: &Pushing) -> Result<Verdict, &'static str> {
        let key = key_of(single);
        if pushing.waiting.contains(&key) {
            return Err("PT425");
        }
        let stored = self.rows.get(&key).cloned().unwrap_or_default();
        if single.run.op == Op::Insert {
            return self.insert(single, &key, &stored, pushing);
        }
        let sees = |row: &&Row| self.devices[pushing.device].teams.contains(&row[TEAM]);
        let visible = stored.row.as_ref().filter(sees);
        if visible.is_some() && self.locked(&key) {
            return Err("55P03");
        }
        let decided = self.decide(single, &key, &stored, visible, pushing);
        self.apply(single, &key, stored, decided, pushing)
    }

    fn insert(
        &mut self,
        single: &Single<'_>,
        key: &Raw,
        stored: &Stored,
        pushing: &Pushing,
    ) -> Result<Verdict, &'static str> {
        let now = pushing.now_ms << 16;
        let claimed = single.run.hlcs[single.at].unwrap_or(now);
        let hlc = claimed.min(now + (BOUND_MS << 16));
        let patch = patch_of(single.row);
        let row = laid_over(defaults(), &patch);
        self.check_row(&row, pushing.device)?;
        self.check_free(key, stored)?;
        let mut result = verdict(single.run.seqs[single.at], "applied");
        self.write_row(
            single,
            key,
            stored,
            Some(row),
            hlc,
            false,
            pushing,
            &mut result,
        );
        result.row = Some(self.rows[key].row.clone());
        Ok(result)
    }

    /// Row level security, then the constraint, in Postgres' order.
    fn check_row(&self, row: &Row, device: usize) -> Result<(), &'static str> {
        if !self.devices[device].teams.contains(&row[TEAM]) {
            return Err("42501");
        }
        if row[TITLE].starts_with("\"bad") {
            return Err("23514");
        }
        Ok(())
    }

    /// Whether a row may be inserted: a writer's open transaction is waited for, a row is in the way.
    fn check_free(&self, key: &Raw, stored: &Stored) -> Result<(), &'static str> {
        if self.locked(key) {
            Err("55P03")
        } else if stored.row.is_some() {
            Err("23505")
        } else {
            Ok(())
        }
    }

    fn decide(
        &self,
        single: &Single<'_>,
        key: &Raw,
        stored: &Stored,
        visible: Option<&Row>,
        pushing: &Pushing,
    ) -> Decided {
        let run = single.run;
        let at = single.at;
        let has = |column: &usize| self.schema.has(*column);
        let current = visible.map_or_else(
            || "[]".to_owned(),
            |row| {
                let values = json_of(row.iter().enumerate().filter(|(column, _)| has(column)));
                format!("[{{\"k\":{key},\"r\":{values}}}]")
            },
        );
        let states = self.state_json(single, key, stored, pushing.device);
        let befores = single.before.map(|before| format!("[{before}]"));
        let device = &self.devices[pushing.device].id;
        let decide = |answers: Option<&str>| {
            let decided = decide_run(
                run.op,
                &self.policy,
                device,
                pushing.now_ms << 16,
                BOUND_MS,
                &run.keys[at..=at],
                &run.seqs[at..=at],
                &run.bases[at..=at],
                &run.hlcs[at..=at],
                &format!("[{}]", single.row),
                befores.as_deref(),
                &current,
                &states,
                &["id".to_owned()],
                answers,
            );
            decided
                .expect("a run of the planner can be decided")
                .remove(0)
        };
        let decided = decide(None);
        match decided.calls_json(device, run.bases[at]) {
            Some(calls) => decide(Some(&answers(&calls))),
            None => decided,
        }
    }

    /// The state of a row as the database hands it to the core.
    fn state_json(&self, single: &Single<'_>, key: &Raw, stored: &Stored, device: usize) -> String {
        let Some(state) = &stored.state else {
            return "[]".to_owned();
        };
        let id = |device: Option<usize>| match device {
            Some(at) => format!("\"{}\"", self.devices[at].id),
            None => "null".to_owned(),
        };
        let stamp =
            |stamp: &Stamp| format!("[{},{},{}]", stamp.version, stamp.hlc, id(stamp.device));
        let clocks = state.clocks.iter();
        let clocks: Vec<String> = clocks
            .map(|(at, own)| format!("\"{}\":{}", COLUMNS[*at].name, stamp(own)))
            .collect();
        let base = self
            .base_json(single, stored, device)
            .unwrap_or_else(|| "null".to_owned());
        let trail = self
            .trail_json(single, stored, device)
            .unwrap_or_else(|| "null".to_owned());
        format!(
            "[{{\"key\":{key},\"version\":{},\"hlc\":{},\"deleted\":{},\"device\":{},\"life\":{},\"clocks\":{{{}}},\"base\":{base},\"trail\":{trail}}}]",
            state.version,
            state.hlc,
            state.deleted,
            id(state.device),
            stamp(&state.life),
            clocks.join(",")
        )
    }

    /// Values at the base of the columns that the device does not tell, as far as the history of a row in its scopes has them;
    /// a deletion takes all columns with it.
    fn base_json(&self, single: &Single<'_>, stored: &Stored, device: usize) -> Option<String> {
        let state = stored.state.as_ref()?;
        let base = single.run.bases[single.at]?;
        let seen = self.devices[device].teams.contains(&state.scope);
        if base >= state.version || state.life.version > base || !seen {
            return None;
        }
        let columns = if single.run.op == Op::Delete {
            let known = (0..COLUMNS.len()).filter(|column| self.schema.has(*column));
            known
                .map(|column| COLUMNS[column].name.to_owned())
                .collect()
        } else {
            single.run.columns.clone()
        };
        let befores = single.before.map(|before| format!("[{before}]"));
        let columns = Needs::of(&self.policy, &columns, befores.as_deref())
            .ok()?
            .base;
        let found = columns.iter().filter_map(|name| {
            let at = find(name)?;
            let later = stored.history.iter().filter(|past| past.version > base);
            let mut olds = later.filter_map(|past| past.old.iter().find(|(other, _)| *other == at));
            olds.next().map(|(at, raw)| (*at, raw))
        });
        let found: Vec<(usize, &Raw)> = found.collect();
        (!found.is_empty()).then(|| json_of(found))
    }

    /// The writes of columns whose policy looks at them since the base, oldest first. What brought a row back changed what its
    /// deletion found.
    fn trail_json(&self, single: &Single<'_>, stored: &Stored, device: usize) -> Option<String> {
        let state = stored.state.as_ref()?;
        let since = single.run.bases[single.at].unwrap_or(state.life.version);
        let seen = self.devices[device].teams.contains(&state.scope);
        if since >= state.version
            || state.life.version > since
            || !seen
            || self.faults.trail_forgotten
        {
            return None;
        }
        let needs = Needs::of(&self.policy, &single.run.columns, None).ok()?;
        let later = stored.history.iter();
        let later: Vec<&Past> = later
            .filter(|past| past.op != 'i' && past.version > since)
            .collect();
        let mut trail = Vec::new();
        for at in needs.trail.iter().filter_map(|name| find(name)) {
            let own = state.clocks.iter().find(|(other, _)| *other == at);
            if own.map_or(state.life.version, |(_, stamp)| stamp.version) <= since {
                continue;
            }
            let mut writes = Vec::new();
            for (n, past) in later.iter().enumerate() {
                let olds = match past.op {
                    'd' => None,
                    'r' => n.checked_sub(1).map(|n| &later[n].old),
                    _ => Some(&past.old),
                };
                let old = olds.and_then(|olds| olds.iter().find(|(other, _)| *other == at));
                if let Some((_, old)) = old {
                    let by = past.device.map(|(device, _)| &self.devices[device].id);
                    let by = by.map_or("null".to_owned(), |id| format!("\"{id}\""));
                    writes.push(format!("[{},{},{by},{old}]", past.version, past.hlc));
                }
            }
            if !writes.is_empty() {
                trail.push(format!("\"{}\":[{}]", COLUMNS[at].name, writes.join(",")));
            }
        }
        (!trail.is_empty()).then(|| format!("{{{}}}", trail.join(",")))
    }

    fn apply(
        &mut self,
        single: &Single<'_>,
        key: &Raw,
        stored: Stored,
        decided: Decided,
        pushing: &Pushing,
    ) -> Result<Verdict, &'static str> {
        let decision = decided.decision;
        let device = pushing.device;
        let seq = single.run.seqs[single.at];
        let claimed = single.run.hlcs[single.at].unwrap_or(0);
        let hlc = if self.faults.clock_not_observed {
            claimed.min((pushing.now_ms + BOUND_MS) << 16)
        } else {
            decision.hlc
        };
        let mut result = verdict(seq, decision.status.as_str());
        result.columns = decision
            .columns
            .iter()
            .map(|(name, outcome)| (name.clone(), outcome.as_str().to_owned()))
            .collect();
        result.version = stored.state.as_ref().map(|state| state.version);
        let patch: Vec<(usize, Raw)> = decision
            .row
            .iter()
            .filter_map(|(name, raw)| Some((find(name)?, canonical(raw))))
            .collect();
        // The row as it is to be written, where it is.
        let after = match decision.action {
            Action::Reject { code, .. } => return Err(code),
            Action::Nothing => None,
            Action::Delete => Some(None),
            Action::Update => match stored.row.clone() {
                None => None,
                Some(row) => {
                    let row = laid_over(row, &patch);
                    if !patch.is_empty() {
                        self.check_row(&row, device)?;
                    }
                    Some(Some(row))
                }
            },
            Action::Insert | Action::Resurrect => {
                let beneath = if decision.action == Action::Resurrect {
                    self.last_content(&stored, device).ok_or("42501")?
                } else {
                    defaults()
                };
                let row = laid_over(beneath, &patch);
                self.check_row(&row, device)?;
                self.check_free(key, &stored)?;
                Some(Some(row))
            }
        };
        if let Some(row) = after {
            let resurrects = decision.action == Action::Resurrect;
            self.write_row(
                single,
                key,
                &stored,
                row,
                hlc,
                resurrects,
                pushing,
                &mut result,
            );
        }
        debug_assert!(
            decision.status == Status::Conflict
                || decision
                    .contested
                    .iter()
                    .all(|entry| entry.outcome != Outcome::Manual)
        );
        if !decision.contested.is_empty() {
            let pending = decision.status == Status::Conflict;
            self.devices[device].conflicts.insert(seq, pending);
        }
        self.restamp(key, &decision.restamp, hlc, device);
        for entry in decision.contested {
            if !self.faults.conflict_not_logged {
                self.log.push(LogEntry {
                    device,
                    seq,
                    column: entry.column,
                    policy: entry.policy,
                    outcome: entry.outcome.as_str().to_owned(),
                    base: canonical(entry.base.as_deref().unwrap_or("null")).to_string(),
                    mine: canonical(&entry.mine).to_string(),
                    theirs: canonical(&entry.theirs).to_string(),
                    overlap: entry.overlap,
                });
            }
        }
        if single.run.op != Op::Delete && decision.action == Action::Update {
            self.check_log(single, key, &stored, device, seq);
            let version = self.rows.get(key).and_then(|stored| stored.state.as_ref());
            let version = version.map_or(0, |state| state.version);
            let before = single.before.map(patch_of).unwrap_or_default();
            for (at, mine) in patch_of(single.row) {
                if at == TITLE {
                    self.account_title(key, (hlc, Some(device), mine));
                } else if sets().any(|set| set == at) {
                    let base = single.run.bases[single.at];
                    let seen = before.iter().find(|(other, _)| *other == at);
                    let own = || stored.own_value(at, base, device);
                    let seen = seen.map(|(_, raw)| raw.clone()).or_else(own);
                    let change = (seen.as_deref().unwrap_or("null"), &*mine);
                    self.account_set((key.clone(), at), change, base, (version, device));
                }
            }
        }
        if decision.return_row || matches!(decision.action, Action::Insert | Action::Resurrect) {
            let row = self.rows.get(key).and_then(|stored| stored.row.clone());
            let teams = &self.devices[device].teams;
            result.row = Some(row.filter(|row| teams.contains(&row[TEAM])));
        }
        Ok(result)
    }

    /// What others had changed is in the log, whoever decided: found without asking the core.
    fn check_log(
        &mut self,
        single: &Single<'_>,
        key: &Raw,
        before: &Stored,
        device: usize,
        seq: u64,
    ) {
        let (Some(state), Some(row)) = (&before.state, &before.row) else {
            return;
        };
        let base = single.run.bases[single.at];
        for (at, mine) in patch_of(single.row) {
            let own = state.clocks.iter().find(|(other, _)| *other == at);
            let stamp = own.map_or(state.life, |(_, stamp)| *stamp);
            let unseen = base.is_none_or(|base| stamp.version > base);
            if unseen && stamp.device != Some(device) && row[at] != mine {
                let name = COLUMNS[at].name;
                let logged = self
                    .log
                    .iter()
                    .rev()
                    .take_while(|entry| entry.seq == seq && entry.device == device);
                if !logged.into_iter().any(|entry| entry.column == name) {
                    self.blame(format!("{name} of {key}, contested by mutation {seq} of device {device}, is not in the log"));
                }
            }
        }
    }

    fn restamp(&mut self, key: &Raw, columns: &[String], hlc: u64, device: usize) {
        if columns.is_empty() {
            return;
        }
        if let Some(state) = self
            .rows
            .get_mut(key)
            .and_then(|stored| stored.state.as_mut())
        {
            state.hlc = state.hlc.max(hlc);
            for at in columns.iter().filter_map(|name| find(name)) {
                let own = state.clocks.iter().position(|(other, _)| *other == at);
                let version = own.map_or(state.life.version, |own| state.clocks[own].1.version);
                let device = Some(device);
                let stamp = Stamp {
                    version,
                    hlc,
                    device,
                };
                match own {
                    Some(own) => state.clocks[own].1 = stamp,
                    None => state.clocks.push((at, stamp)),
                }
            }
        }
    }

    /// The last content of a deleted row, for a caller in whose scope it was.
    fn last_content(&self, stored: &Stored, device: usize) -> Option<Row> {
        let state = stored.state.as_ref()?;
        if !self.devices[device].teams.contains(&state.scope) {
            return None;
        }
        let past = stored
            .history
            .last()
            .filter(|past| past.version == state.version)?;
        let row = laid_over(defaults(), &past.old);
        Some(
            row.into_iter()
                .enumerate()
                .map(|(at, raw)| {
                    if self.schema.has(at) {
                        raw
                    } else {
                        "null".into()
                    }
                })
                .collect(),
        )
    }

    #[allow(clippy::too_many_arguments)]
    fn write_row(
        &mut self,
        single: &Single<'_>,
        key: &Raw,
        stored: &Stored,
        row: Option<Row>,
        hlc: u64,
        resurrects: bool,
        pushing: &Pushing,
        result: &mut Verdict,
    ) {
        let author = Author {
            device: Some((pushing.device, single.run.seqs[single.at])),
            hlc,
            resurrects,
        };
        let patched: Vec<usize> = single
            .run
            .columns
            .iter()
            .filter_map(|name| find(name))
            .collect();
        if let Some(effect) = self.capture(key, stored, row, &patched, author, pushing.xid) {
            let state = effect.stored.state.as_ref();
            result.version = state.map(|state| state.version);
            result.scope = state.map(|state| state.scope.clone());
            self.settle(effect);
        }
    }
}

fn key_of(single: &Single<'_>) -> Raw {
    format!("\"{}\"", single.run.keys[single.at]).into()
}

fn patch_of(row: &RawValue) -> Vec<(usize, Raw)> {
    let values: BTreeMap<&str, &RawValue> =
        serde_json::from_str(row.get()).expect("a row of the planner");
    let values = values.into_iter();
    values
        .filter_map(|(name, raw)| Some((find(name)?, raw.get().into())))
        .collect()
}

/// What the owner's function answers, as `ask_functions` hands it on: what the column cannot hold is no answer.
fn answers(calls: &str) -> String {
    let calls: Vec<Value> = serde_json::from_str(calls).expect("calls");
    let answers = calls.iter().filter_map(|call| {
        let value = settle(call)?;
        Some(json!({ "ord": 1, "column": call["column"], "value": value }))
    });
    Value::Array(answers.collect()).to_string()
}

/// The raw text of each mutation of a batch.
fn mutation_texts(batch: &str) -> Vec<&RawValue> {
    let batch: BTreeMap<&str, &RawValue> = serde_json::from_str(batch).expect("a batch");
    serde_json::from_str(batch["mutations"].get()).expect("mutations")
}
