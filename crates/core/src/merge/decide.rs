//! The decision on one mutation of one row.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::contest::{Contest, Contested, Outcome, Resolution};
use super::decision::{Action, Answer, Call, Context, Decision, Incoming, Status};
use super::deletion;
use super::last_write_wins::is_later;
use super::same::same_json;
use super::state::{RowState, Stamp};
use crate::batch::Op;
use crate::clock::{self, Hlc};
use crate::json::{self, RawObject};

/// Same text and code for a row that does not exist and one that may not be seen.
pub(super) const NO_ROW: Action = Action::Reject {
    code: "42501",
    message: "row not found or not permitted",
};

/// Decides one mutation.
///
/// `current` holds the row's values if it exists and the caller may see it; `state` what is recorded
/// about it, if anything ever was.
#[must_use]
pub fn decide(
    ctx: &Context<'_>,
    incoming: &Incoming<'_>,
    current: Option<&RawObject<'_>>,
    state: Option<&RowState<'_>>,
) -> Decision {
    let nothing_known = RowState::default();
    let known = state.unwrap_or(&nothing_known);
    let case = Case {
        ctx,
        incoming,
        known,
    };
    let gone = current.is_none() && state.is_none_or(|state| state.deleted);
    match (ctx.op, current) {
        (Op::Insert, _) => case.take(Action::Insert),
        (Op::Upsert, None) if state.is_none() => case.take(Action::Insert),
        (Op::Update | Op::Upsert, None) if gone && state.is_some() => deletion::revive(&case),
        (Op::Delete, None) if gone => case.take(Action::Nothing),
        (Op::Delete, Some(row)) => deletion::delete(&case, row),
        (Op::Update | Op::Upsert, Some(row)) => case.contest(row),
        (Op::Update | Op::Upsert | Op::Delete, None) => case.take(NO_ROW),
        (Op::Call, _) => case.take(Action::Reject {
            code: "42883",
            message: "a call has no row to decide on",
        }),
    }
}

/// One mutation with what is recorded about its row.
pub(super) struct Case<'a> {
    pub ctx: &'a Context<'a>,
    pub incoming: &'a Incoming<'a>,
    pub known: &'a RowState<'a>,
}

impl Case<'_> {
    /// The decision that takes everything as sent.
    pub(super) fn take(&self, action: Action) -> Decision {
        let sent = self.incoming.patch.iter();
        let row = sent.map(|(name, value)| (name.to_string(), value.get().to_owned()));
        Decision {
            row: row.collect(),
            ..self.untouched(action)
        }
    }

    /// The decision that writes no value and finds no contest.
    pub(super) fn untouched(&self, action: Action) -> Decision {
        let (hlc, skewed) = self.effective_clock();
        Decision {
            action,
            status: Status::Applied,
            hlc,
            skewed,
            row: Vec::new(),
            columns: BTreeMap::new(),
            contested: Vec::new(),
            restamp: Vec::new(),
            calls: Vec::new(),
            return_row: false,
        }
    }

    /// The claimed clock, not too far in the future, and later than everything that the device had
    /// seen of what it writes: an edit made after seeing a value is causally later than that value,
    /// however wrong the device's clock is.
    fn effective_clock(&self) -> (u64, bool) {
        let now = Hlc(self.ctx.now_hlc);
        let claimed = Hlc(self.incoming.hlc.unwrap_or(now.0));
        let clamped = clock::clamp(claimed, now.ms(), self.ctx.bound_ms);
        let seen = |stamp: &&Stamp<'_>| {
            !stamp.is_unseen(self.incoming.base) || stamp.is_by(self.ctx.device)
        };
        let latest = if self.ctx.op == Op::Delete {
            self.known
                .stamps()
                .filter(seen)
                .map(|stamp| stamp.hlc)
                .max()
        } else {
            let patched = self
                .incoming
                .patch
                .iter()
                .map(|(name, _)| self.known.stamp(name));
            patched.filter(seen).map(|stamp| stamp.hlc).max()
        };
        let least = latest
            .and_then(|hlc| u64::try_from(hlc).ok())
            .map_or(Hlc(0), |hlc| Hlc(hlc).next());
        (clamped.hlc.max(least).0, clamped.skewed)
    }

    /// The value that the device says it saw just before.
    fn value_seen(&self, column: &str) -> Option<&str> {
        let before = self.incoming.before.as_ref()?;
        json::member(before, column)
    }

    /// The value that the device started from, where it is known.
    ///
    /// What the device saw just before is exact. The server's own record of the base version is the
    /// same unless the device wrote the column in between, which only the device can know. Where the
    /// column's last write is the device's own, a count from that base would count twice; what is put
    /// together of parts holds the device's earlier parts on both sides. A device that never saw the
    /// row started from nothing.
    pub(super) fn base_value(&self, column: &str) -> Option<&str> {
        if let Some(seen) = self.value_seen(column) {
            return Some(seen);
        }
        let stamp = self.known.stamp(column);
        let base = self.incoming.base;
        let has_parts = self.ctx.policy.of(column).has_parts();
        if stamp.is_by(self.ctx.device) && stamp.is_unseen(base) && !has_parts {
            return None;
        }
        match base {
            None => Some("null"),
            Some(_) => self
                .known
                .base
                .as_ref()
                .and_then(|base| json::member(base, column)),
        }
    }

    /// Decides column by column on a live row.
    fn contest(&self, row: &RawObject<'_>) -> Decision {
        let mut decision = self.untouched(Action::Update);
        for (column, mine) in &self.incoming.patch {
            let theirs = json::member(row, column).unwrap_or("null");
            let value = self.decide_column(column, mine, theirs, &mut decision);
            decision.row.push((column.to_string(), value));
        }
        let others = self
            .known
            .changed_by_others(self.incoming.base, self.ctx.device);
        settle(&mut decision, others);
        decision
    }

    /// Decides one column; what is worth recording goes into `decision`. Returns the final value.
    fn decide_column(
        &self,
        column: &str,
        mine: &RawValue,
        theirs: &str,
        decision: &mut Decision,
    ) -> String {
        let mine = mine.get();
        let stamp = self.known.stamp(column);
        let policy = self.ctx.policy.of(column);
        let own = stamp.is_by(self.ctx.device);
        // A device that pulled while its outbox was full builds on its own view of the row, not on
        // the base: what it adds is the difference to what it saw.
        let built_on_other = policy.combines()
            && self
                .value_seen(column)
                .is_some_and(|seen| !same_json(seen, theirs));
        let unseen = stamp.is_unseen(self.incoming.base) || built_on_other;
        if !unseen || (own && !policy.combines()) {
            return mine.to_owned();
        }
        let trail = self.known.trail.steps(column, theirs);
        let began = self.incoming.base.is_some() || self.known.life.is_by(self.ctx.device);
        let alone = own && began && self.known.trail.is_by(column, self.ctx.device);
        if alone && policy.builds_on_itself() && self.value_seen(column).is_none() {
            return mine.to_owned();
        }
        let contest = Contest {
            base: self.base_value(column),
            mine,
            theirs,
            my_clock: decision.hlc,
            my_device: self.ctx.device,
            their_stamp: stamp,
            trail: &trail,
            answer: self.incoming.answers.iter().find(|a| a.column == column),
        };
        if policy.settles_equal() && same_json(mine, theirs) {
            if !is_later(&contest) {
                return theirs.to_owned();
            }
            decision.restamp.push(column.to_owned());
            return mine.to_owned();
        }
        let resolution = match contest.answer {
            // What would be made of both was found not to fit.
            Some(Answer { value: None, .. }) => Resolution::Manual,
            _ => policy.resolve(&contest),
        };
        let overlap = matches!(resolution, Resolution::Overlapping(_));
        let (outcome, value) = match resolution {
            Resolution::Mine => (Outcome::Mine, mine.to_owned()),
            Resolution::Theirs => (Outcome::Theirs, theirs.to_owned()),
            Resolution::Manual => (Outcome::Manual, theirs.to_owned()),
            Resolution::Ask => {
                decision.calls.push(Call {
                    column: column.to_owned(),
                    function: policy.name().to_owned(),
                    base: contest.base.map(str::to_owned),
                    mine: mine.to_owned(),
                    theirs: theirs.to_owned(),
                    their_hlc: stamp.hlc,
                    their_device: stamp.device.as_deref().map(str::to_owned),
                });
                (Outcome::Manual, theirs.to_owned())
            }
            Resolution::Merged(value) if same_json(&value, mine) => (Outcome::Mine, value),
            Resolution::Merged(value) if policy.builds_on_itself() && same_json(&value, theirs) => {
                (Outcome::Theirs, theirs.to_owned())
            }
            Resolution::Merged(value) | Resolution::Overlapping(value) => (Outcome::Merged, value),
        };
        if !own || outcome != Outcome::Mine {
            let entry = self.entry(column, mine, theirs, policy.name(), outcome);
            record(decision, Contested { overlap, ..entry });
        }
        value
    }

    /// An entry of the conflict log.
    pub(super) fn entry(
        &self,
        column: &str,
        mine: &str,
        theirs: &str,
        policy: &str,
        outcome: Outcome,
    ) -> Contested {
        let base = self.base_value(column).map(str::to_owned);
        Contested {
            column: column.to_owned(),
            base_known: base.is_some(),
            base,
            mine: mine.to_owned(),
            theirs: theirs.to_owned(),
            policy: policy.to_owned(),
            outcome,
            overlap: false,
        }
    }
}

/// Adds an entry to a decision.
pub(super) fn record(decision: &mut Decision, entry: Contested) {
    decision.columns.insert(entry.column.clone(), entry.outcome);
    decision.contested.push(entry);
}

/// Derives status and `return_row` from what was recorded.
fn settle(decision: &mut Decision, others_changed: bool) {
    let manual = decision
        .columns
        .values()
        .any(|outcome| *outcome == Outcome::Manual);
    decision.status = match manual {
        true => Status::Conflict,
        false if others_changed || !decision.columns.is_empty() => Status::Merged,
        false => Status::Applied,
    };
    decision.return_row = decision.status != Status::Applied;
}
