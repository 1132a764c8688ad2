//! What a decision does to a row, and what is watched while it does (sql/090_push.sql).

use std::collections::BTreeMap;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Decided, Outcome, Status};
use serde_json::value::RawValue;

use super::{Pushing, Single, verdict};
use crate::answer::{LogEntry, Verdict};
use crate::model::store::{Author, sets};
use crate::model::{BOUND_MS, Model, Stamp, State, Stored};
use crate::table::{COLUMNS, Raw, Row, TEAM, TITLE, defaults, find, laid_over};
use crate::value::canonical;

impl Model {
    pub(super) fn insert(
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
        let mut result = verdict(single.seq(), "applied");
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

    pub(super) fn apply(
        &mut self,
        single: &Single<'_>,
        key: &Raw,
        stored: Stored,
        decided: Decided,
        pushing: &Pushing,
    ) -> Result<Verdict, &'static str> {
        let decision = decided.decision;
        if decision.return_row && !self.faults.clock_not_told {
            let latest_hlc = pushing.latest_hlc.get().max(decided.latest_hlc);
            pushing.latest_hlc.set(latest_hlc);
        }
        let device = pushing.device;
        let seq = single.seq();
        let claimed = single.run.hlcs[single.at].unwrap_or(0);
        let hlc = if self.faults.clock_not_observed {
            claimed.min((pushing.now_ms + BOUND_MS) << 16)
        } else {
            decision.hlc
        };
        if self.devices[device].listens && !decision.skewed && decision.hlc > claimed {
            self.blame(format!(
                "the clock of mutation {seq} of device {device}, {claimed}, is behind what the device had seen of {key}"
            ));
        }
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
        let mut beneath = stored.clone();
        if let Some(version) = self.restamp(single, key, &decision.restamp, hlc, pushing) {
            result.version = Some(version);
            beneath = self.rows[key].clone();
        }
        if let Some(row) = after {
            let resurrects = decision.action == Action::Resurrect;
            self.write_row(
                single,
                key,
                &beneath,
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
        let told = single.before.map(patch_of).unwrap_or_default();
        let never_saw = single.run.bases[single.at].is_none();
        for entry in decision.contested {
            let is_told = |base: &String| {
                let at = find(&entry.column);
                never_saw || base == "null" || told.iter().any(|(told, _)| Some(*told) == at)
            };
            let base = entry.base.filter(is_told);
            if !self.faults.conflict_not_logged {
                self.log.push(LogEntry {
                    device,
                    seq,
                    column: entry.column,
                    policy: entry.policy,
                    outcome: entry.outcome.as_str().to_owned(),
                    base: canonical(base.as_deref().unwrap_or("null")).to_string(),
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

    /// An equal value: the row as it is gets a version that nobody has seen, its columns the clock.
    fn restamp(
        &mut self,
        single: &Single<'_>,
        key: &Raw,
        columns: &[String],
        hlc: u64,
        pushing: &Pushing,
    ) -> Option<i64> {
        let mut stored = self.rows.get(key).filter(|_| !columns.is_empty())?.clone();
        let state = stored.state.as_mut()?;
        let device = Some(pushing.device);
        if self.faults.equal_value_unnoticed {
            for at in columns.iter().filter_map(|name| find(name)) {
                let known = state.clocks.iter_mut().find(|(other, _)| *other == at);
                let stamp = known.map_or(&mut state.life, |(_, stamp)| stamp);
                (stamp.hlc, stamp.device) = (hlc, device);
            }
            self.put(key.clone(), stored);
            return None;
        }
        let version = self.next_version;
        self.next_version += 1;
        for at in columns.iter().filter_map(|name| find(name)) {
            state.clocks.retain(|(other, _)| *other != at);
            state.clocks.push((
                at,
                Stamp {
                    version,
                    hlc,
                    device,
                },
            ));
        }
        *state = State {
            version,
            xid: pushing.xid,
            hlc: state.hlc.max(hlc),
            device,
            seq: single.seq(),
            ..state.clone()
        };
        self.put(key.clone(), stored);
        Some(version)
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
            device: Some((pushing.device, single.seq())),
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

fn patch_of(row: &RawValue) -> Vec<(usize, Raw)> {
    let values: BTreeMap<&str, &RawValue> =
        serde_json::from_str(row.get()).expect("a row of the planner");
    let values = values.into_iter();
    values
        .filter_map(|(name, raw)| Some((find(name)?, raw.get().into())))
        .collect()
}
