//! What a server is asked and what it answers, whether it is the model or Postgres.

use std::collections::BTreeMap;

use crate::table::{Raw, Row, SchemaChange};

/// Verdict on one mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The mutation.
    pub seq: u64,
    /// `applied`, `merged`, `conflict`, `duplicate`, `deferred` or `rejected`.
    pub status: String,
    /// For duplicates: what the first answer said.
    pub was: Option<String>,
    /// Version of the row now.
    pub version: Option<i64>,
    /// Scope of the row now, where it was written.
    pub scope: Option<Raw>,
    /// How contested columns went.
    pub columns: BTreeMap<String, String>,
    /// The row now: absent when it is what the device computes, `Some(None)` when there is none to see.
    pub row: Option<Option<Row>>,
    /// SQLSTATE of a rejection or deferral.
    pub code: Option<String>,
}

/// Whether a mutation of this status took effect.
#[must_use]
pub fn took_effect(status: &str) -> bool {
    matches!(status, "applied" | "merged" | "conflict")
}

impl Verdict {
    /// Whether the mutation took effect.
    #[must_use]
    pub fn took_effect(&self) -> bool {
        took_effect(&self.status)
    }

    /// Everything that does not depend on what else happens in the database.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut out = format!("{} {}", self.seq, self.status);
        if let Some(was) = &self.was {
            out.push_str(&format!(" of {was}"));
        }
        if let Some(code) = &self.code {
            out.push_str(&format!(" {code}"));
        }
        for (column, outcome) in &self.columns {
            out.push_str(&format!(" {column}:{outcome}"));
        }
        if let Some(scope) = &self.scope {
            out.push_str(&format!(" in {scope}"));
        }
        match &self.row {
            Some(Some(row)) => out.push_str(&format!(" row {row:?}")),
            Some(None) => out.push_str(" no row"),
            None => {}
        }
        out
    }
}

/// Answer to a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushAnswer {
    /// Last seq that has a verdict.
    pub acked_seq: u64,
    /// The server's clock.
    pub server_hlc: u64,
    /// Verdicts.
    pub results: Vec<Verdict>,
}

/// A pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Where to go on.
    pub cursor: Option<String>,
    /// Rows, at most.
    pub limit: usize,
    /// Own mutations up to here were processed.
    pub seen_seq: u64,
}

/// A row in a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upsert {
    /// Its key.
    pub key: Raw,
    /// Its scope.
    pub scope: Raw,
    /// Its version.
    pub version: i64,
    /// Its values.
    pub row: Row,
}

/// Answer to a pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullAnswer {
    /// Where to go on.
    pub cursor: String,
    /// The server's clock.
    pub server_hlc: u64,
    /// Whether another page follows.
    pub has_more: bool,
    /// Rows as they are now.
    pub upserts: Vec<Upsert>,
    /// Keys of rows that are gone.
    pub deletes: Vec<Raw>,
    /// Keys of rows that the caller may not see any more.
    pub evicts: Vec<Raw>,
    /// Scopes that the caller has no more.
    pub revoked_scopes: Vec<Raw>,
    /// Scopes that the caller has (the protocol's `topics`), where they changed.
    pub scopes: Option<Vec<Raw>>,
}

impl PullAnswer {
    /// Everything that does not depend on what else happens in the database.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut keys: Vec<String> = self
            .upserts
            .iter()
            .map(|up| format!("u{} in {} {:?}", up.key, up.scope, up.row))
            .collect();
        keys.extend(self.deletes.iter().map(|key| format!("d{key}")));
        keys.extend(self.evicts.iter().map(|key| format!("e{key}")));
        keys.extend(self.revoked_scopes.iter().map(|scope| format!("r{scope}")));
        keys.sort();
        format!("{} more={}", keys.join(" "), self.has_more)
    }
}

/// A write of somebody who does not use the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new row, unless there is one.
    Insert(Vec<(usize, Raw)>),
    /// Sets a column.
    Set(usize, Raw),
    /// Adds to likes.
    Like(i64),
    /// Raises best.
    Best(i64),
    /// Adds a word to a set, a document or a text.
    Add(usize, String),
    /// Removes a word from a set.
    Remove(usize, String),
    /// Removes the row.
    Delete,
}

/// An entry of the conflict log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogEntry {
    /// Position of the device.
    pub device: usize,
    /// Its mutation.
    pub seq: u64,
    /// The column.
    pub column: String,
    /// The policy that decided.
    pub policy: String,
    /// How it went.
    pub outcome: String,
    /// The common base, where it is known; null otherwise.
    pub base: String,
    /// The device's value.
    pub mine: String,
    /// The server's value.
    pub theirs: String,
    /// Whether both sides changed the same words.
    pub overlap: bool,
}

/// A server that schedules run against.
pub trait Server {
    /// `offline.push`.
    ///
    /// # Errors
    /// SQLSTATE where the batch as a whole is refused.
    fn push(&mut self, device: usize, batch: &str, now_ms: u64) -> Result<PushAnswer, String>;

    /// `offline.pull`.
    ///
    /// # Errors
    /// SQLSTATE where it is refused.
    fn pull(
        &mut self,
        device: usize,
        request: &PullRequest,
        now_ms: u64,
    ) -> Result<PullAnswer, String>;

    /// A statement in the writer's open transaction, which it opens if need be. Whether it touched the row.
    fn write(&mut self, writer: usize, key: &Raw, change: &Change, now_ms: u64) -> bool;

    /// Ends the writer's transaction.
    fn end(&mut self, writer: usize, commit: bool);

    /// A user of a device gains or loses a team.
    fn member(&mut self, device: usize, team: &Raw, gains: bool);

    /// Alters the table.
    fn alter(&mut self, change: SchemaChange);

    /// The server goes down and comes back: open transactions are lost.
    fn crash(&mut self);

    /// All rows with their versions, as committed.
    fn rows(&mut self) -> BTreeMap<Raw, (i64, Row)>;

    /// The conflict log, sorted.
    fn log(&mut self) -> Vec<LogEntry>;

    /// Deferred and rejected mutations: device, seq, status, sorted.
    fn queue(&mut self) -> Vec<(usize, u64, String)>;

    /// What the server itself found broken since it was asked last.
    fn broken(&mut self) -> Option<String>;
}
