//! What is asked and what is answered about one mutation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::contest::{Contested, Outcome};
use super::policy::TablePolicy;
use crate::batch::Op;
use crate::json::RawObject;

/// A mutation as it reaches its row.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// Number within the device.
    pub seq: u64,
    /// Canonical row key.
    pub key: &'a str,
    /// Version of the row that the device saw.
    pub base: Option<i64>,
    /// Claimed clock.
    pub hlc: Option<u64>,
    /// Changed columns, without the key columns.
    pub patch: RawObject<'a>,
    /// Values that the device saw just before this mutation.
    pub before: Option<RawObject<'a>>,
    /// What functions of the owner, and the database itself, answered about this mutation.
    pub answers: Vec<Answer<'a>>,
}

/// What a function of the owner answered about one column.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// The column.
    pub column: Cow<'a, str>,
    /// Its value; `None` where the function failed or knew no answer, or where a merged value did not fit its column: whatever the
    /// policy, a person decides.
    pub value: Option<&'a RawValue>,
}

/// A question to a function of the owner. Values are raw JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The column.
    pub column: String,
    /// The function, as the policy names it.
    pub function: String,
    /// The value that both sides started from; `None` where it is not known.
    pub base: Option<String>,
    /// The device's value.
    pub mine: String,
    /// The server's value.
    pub theirs: String,
    /// Clock of the server's value.
    pub their_hlc: i64,
    /// Who wrote it; `None` for a write outside of push.
    pub their_device: Option<String>,
}

/// What a run of mutations has in common.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Kind.
    pub op: Op,
    /// Policies of the table.
    pub policy: &'a TablePolicy,
    /// The device that made the mutations.
    pub device: &'a str,
    /// The server's clock.
    pub now_hlc: u64,
    /// How far a claimed clock may be ahead of the server's.
    pub bound_ms: u64,
}

/// What to do with the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write [`Decision::row`] into the existing row.
    Update,
    /// Insert [`Decision::row`] as a new row or a new life of a deleted one.
    Insert,
    /// Delete the row.
    Delete,
    /// Bring the deleted row back with its last values, and [`Decision::row`] on top.
    Resurrect,
    /// Leave the row as it is.
    Nothing,
    /// Refuse the mutation. The other fields of the decision then mean nothing.
    Reject {
        /// SQLSTATE.
        code: &'static str,
        /// The reason for a person.
        message: &'static str,
    },
}

/// What the device is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As sent.
    Applied,
    /// Others had changed the row, and it was settled without a person.
    Merged,
    /// A person has to decide about at least one column.
    Conflict,
}

impl Status {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Applied => "applied",
            Status::Merged => "merged",
            Status::Conflict => "conflict",
        }
    }
}

/// The decision on one mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to do with the row.
    pub action: Action,
    /// What the device is told.
    pub status: Status,
    /// Effective clock of the mutation.
    pub hlc: u64,
    /// Whether the claimed clock was too far in the future.
    pub skewed: bool,
    /// Final raw values of the patched columns, theirs where theirs stays.
    pub row: Vec<(String, String)>,
    /// How the contested columns went.
    pub columns: BTreeMap<String, Outcome>,
    /// The same for the conflict log, with values.
    pub contested: Vec<Contested>,
    /// Columns whose value both sides agree on but whose clock and device this mutation moves forward.
    /// Without it the next writer could win against the later of two equal writes.
    pub restamp: Vec<String>,
    /// Functions that have to be asked before this decision stands; until then the columns are manual.
    pub calls: Vec<Call>,
    /// Whether the row may now differ from what the device computes on its own.
    pub return_row: bool,
}
