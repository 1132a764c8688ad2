//! What becomes of a mutation on a row that others may have changed meanwhile.
//!
//! [`decide`](mod@decide) finds the contested columns of one mutation and asks the policy of each; a
//! policy is one small file that answers mine, theirs, a merged value, or a person. [`run`] does the
//! same for a run of mutations as the database holds them: arrays and JSON.

pub mod decide;
pub mod decision;
pub mod policy;
pub mod run;
pub mod state;

mod client_wins;
mod contest;
mod counter;
mod deletion;
mod function;
mod last_write_wins;
mod manual;
mod max_min;
mod moment;
mod needs;
mod number;
mod object;
mod same;
mod server_wins;
mod set;
mod text;
mod trail;

pub use contest::{Contested, Outcome};
pub use decide::decide;
pub use decision::{Action, Answer, Call, Context, Decision, Incoming, Status};
pub(crate) use moment::moment;
pub use needs::Needs;
pub(crate) use number::number_identity;
pub use policy::{ColumnKind, OnDelete, Policy, TablePolicy};
pub use run::{Decided, decide_run, decide_run_watched};
pub(crate) use same::same_spelling;
pub use state::{RowState, Stamp};
pub use text::{TextMerge, merge_text};
pub use trail::{Step, Trail};
