//! Harness of the database tests: a private cluster, a database for each test, callers and devices.
//!
//! A test makes its own database ([`Db::create`]), works as its owner, calls the API as a user
//! ([`Caller`]) and, where it is about what a device ends up with, through a [`Device`], which keeps
//! local rows as the protocol tells it to. Tests share nothing but the cluster, so they run in parallel.

mod answers;
mod caller;
mod cluster;
mod db;
mod device;
mod error;
mod exchange;
pub mod fixtures;
mod oracle;
mod outbox;
mod seed;
mod wait;

pub use answers::{ChangeSet, Deletion, PullAnswer, PushAnswer, Upsert, Verdict};
pub use caller::Caller;
pub use cluster::Cluster;
pub use db::{Db, listen};
pub use device::{Device, LocalRow, PullTotals};
pub use error::PgError;
pub use oracle::{Columns, Rows, row_columns, visible_rows};
pub use outbox::{Mutation, Op, mutation};
pub use seed::seed;
pub use wait::eventually;
