//! Workloads: one call of ours beside the plain statement that does the same work, again and again.
//!
//! The same workload serves the comparison ([`compare`](mod@compare)) and the profile, so what is profiled is what
//! was measured.

mod bulk;
mod compare;
mod pull;
mod push_insert;
mod push_update;
mod single;

pub use bulk::{Bulk, BulkOp};
pub use compare::compare;
pub use pull::{PullChanged, pull_call};
pub use push_insert::PushInsert;
pub use push_update::PushUpdate;
pub use single::{Single, SingleOp};

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::error::Outcome;
use crate::stage::Stage;

/// A statement with its parameters.
pub struct Call {
    /// Text, the same for every repetition.
    pub sql: String,
    /// Parameters.
    pub params: Vec<Box<dyn ToSql + Send + Sync>>,
}

impl Call {
    /// Parameters as the driver takes them.
    pub fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params
            .iter()
            .map(|param| param.as_ref() as &(dyn ToSql + Sync))
            .collect()
    }
}

/// One repetition.
pub struct Step {
    /// Through this extension.
    pub ours: Call,
    /// Without it.
    pub plain: Call,
}

/// Who makes the calls.
#[derive(Clone, Copy, Debug)]
pub enum Session {
    /// The owner of the tables: another service, a person at psql.
    Owner,
    /// A signed-in user, under row level security.
    User(Uuid),
}

/// Something to repeat.
pub trait Workload {
    /// The database.
    fn stage(&self) -> &Stage;

    /// Who makes the calls.
    fn session(&self) -> Session;

    /// Prepares the next repetition; this is not timed.
    async fn next(&mut self) -> Outcome<Step>;

    /// Repetitions that are not counted, by default as many as Postgres needs to settle on a plan.
    fn warm_ups(&self) -> usize {
        6
    }

    /// Checks what our call answered; this is not timed.
    ///
    /// # Errors
    /// When the call did not do its work: then its time means nothing.
    fn check(&mut self, answer: Option<&str>) -> Outcome<()>;
}

/// A statement on one of the two tables, whose name stands as `{table}` in it.
fn on_table(sql: &str, synced: bool) -> String {
    sql.replace(
        "{table}",
        if synced {
            "public.note_synced"
        } else {
            "public.note_plain"
        },
    )
}

/// A parameter.
fn param(value: impl ToSql + Send + Sync + 'static) -> Box<dyn ToSql + Send + Sync> {
    Box::new(value)
}
