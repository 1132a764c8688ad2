//! Deletion on one side against an edit on the other.

use super::contest::Outcome;
use super::decide::{Case, NO_ROW, record};
use super::decision::{Action, Decision, Status};
use super::policy::OnDelete;
use crate::batch::Op;
use crate::json::RawObject;

/// A deletion of a live row.
pub(super) fn delete(mutation: &Case<'_>, row: &RawObject<'_>) -> Decision {
    let (base, device) = (mutation.incoming.base, mutation.ctx.device);
    if !mutation.known.changed_by_others(base, device) {
        return mutation.take(Action::Delete);
    }
    let rule = mutation.ctx.policy.on_delete;
    let (action, status, outcome) = match rule {
        OnDelete::UpdateWins => (Action::Nothing, Status::Merged, Outcome::Theirs),
        OnDelete::DeleteWins => (Action::Delete, Status::Merged, Outcome::Mine),
        OnDelete::Manual => (Action::Nothing, Status::Conflict, Outcome::Manual),
    };
    let mut decision = mutation.take(action);
    decision.status = status;
    decision.return_row = decision.action == Action::Nothing;
    for (column, theirs) in row {
        let stamp = mutation.known.stamp(column);
        if stamp.is_unseen(base) && !stamp.is_by(device) {
            let entry = mutation.entry(column, "null", theirs.get(), rule.name(), outcome);
            record(&mut decision, entry);
        }
    }
    if decision.contested.is_empty() {
        // Nobody can be asked about, or told of, columns that no device knows. Without any column read yet, they are asked for.
        if !row.is_empty() {
            return mutation.take(Action::Delete);
        }
        decision.status = Status::Merged;
    }
    decision
}

/// An update or upsert of a row that is gone.
pub(super) fn revive(mutation: &Case<'_>) -> Decision {
    let upsert = mutation.ctx.op == Op::Upsert;
    if saw_deletion(mutation) {
        return mutation.take(if upsert { Action::Insert } else { NO_ROW });
    }
    if !upsert && mutation.incoming.patch.is_empty() {
        // It carries nothing that anybody wrote: no reason to bring the row back, nor to tell of it.
        return mutation.take(NO_ROW);
    }
    if upsert && mutation.incoming.base.is_none() {
        return mutation.take(Action::Insert);
    }
    let rule = mutation.ctx.policy.on_delete;
    let back = if upsert {
        Action::Insert
    } else {
        Action::Resurrect
    };
    let (action, status, outcome) = match rule {
        OnDelete::UpdateWins => (back, Status::Merged, Outcome::Mine),
        OnDelete::DeleteWins => (Action::Nothing, Status::Merged, Outcome::Theirs),
        OnDelete::Manual => (Action::Nothing, Status::Conflict, Outcome::Manual),
    };
    let mut decision = match outcome {
        Outcome::Mine => mutation.take(action),
        _ => mutation.untouched(action),
    };
    decision.status = status;
    decision.return_row = true;
    for (column, mine) in &mutation.incoming.patch {
        let entry = mutation.entry(column, mine.get(), "null", rule.name(), outcome);
        record(&mut decision, entry);
    }
    decision
}

/// Whether the device knew that the row was gone: it saw that version, or deleted the row itself.
fn saw_deletion(mutation: &Case<'_>) -> bool {
    let state = mutation.known;
    let own = state.device.as_deref() == Some(mutation.ctx.device);
    own || mutation
        .incoming
        .base
        .is_some_and(|base| base >= state.version)
}
