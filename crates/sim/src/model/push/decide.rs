//! What the core is asked about a mutation: states, bases and trails as sql/085_push_merge.sql reads them.

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Decided, Needs, decide_run};
use serde_json::{Value, json};

use super::{Pushing, Single};
use crate::model::{BOUND_MS, Model, Past, Stamp, State, Stored};
use crate::table::{COLUMNS, Raw, Row, find, json_of};
use crate::value::settle;

impl Model {
    pub(super) fn decide(
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
        let teams = &self.devices[device].teams;
        let known = |state: &&State| !state.deleted || teams.contains(&state.scope);
        let Some(state) = stored.state.as_ref().filter(known) else {
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
            .base_json(single, key, stored, device)
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

    /// Whether the row is in a scope of the device's user, and was in no other since a version.
    fn was_in_sight(&self, key: &Raw, state: &State, since: i64, device: usize) -> bool {
        let teams = &self.devices[device].teams;
        let left = self.departures.range((key.clone(), Raw::from(""))..);
        let mut left = left.take_while(|((row, _), _)| row == key);
        teams.contains(&state.scope)
            && !left
                .any(|((_, scope), departure)| departure.version > since && !teams.contains(scope))
    }

    /// Values at the base of the columns that the device does not tell, as far as the history of a row in its scopes has them;
    /// a deletion takes all columns with it.
    fn base_json(
        &self,
        single: &Single<'_>,
        key: &Raw,
        stored: &Stored,
        device: usize,
    ) -> Option<String> {
        let state = stored.state.as_ref()?;
        let base = single.run.bases[single.at]?;
        let seen = self.was_in_sight(key, state, base, device);
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
        let columns = needs.trail.iter().chain(&needs.writes);
        for at in columns.filter_map(|name| find(name)) {
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
