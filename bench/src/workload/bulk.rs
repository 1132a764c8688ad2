//! Bulk writes by others on a synced table, against the same on a table that is not.

use super::{Call, Session, Step, Workload, on_table, param};
use crate::error::Outcome;
use crate::stage::Stage;

const INSERT: &str = "
    insert into {table} (team_id, author, title, body, likes, status)
    select $1, $2, 'Bulk ' || g, repeat('lorem ipsum ', 12) || g, g % 100, 'draft'
    from generate_series(1, $3::bigint) g";

const UPDATE: &str =
    "update {table} set title = 'Round ' || $1::text || likes, updated_at = clock_timestamp()";

/// What refers to the sample application's notes: its tasks.
const CHILD: &str = "
    create table {table}_task (id uuid primary key, note_id uuid not null references {table} (id) on delete cascade);
    create index on {table}_task (note_id)";

const DELETE: &str = "delete from {table}";

/// Kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkOp {
    /// `insert … select`.
    Insert,
    /// `update` of two columns of all rows.
    Update,
    /// `delete` of all rows, to which nothing refers.
    Delete,
    /// `delete` of all rows of a table that another refers to, as tasks refer to notes.
    DeleteReferenced,
}

/// One statement over `rows` rows, by the owner of the tables.
pub struct Bulk {
    stage: Stage,
    op: BulkOp,
    rows: i64,
    round: u64,
}

impl Bulk {
    /// `rows` rows a statement.
    pub async fn new(op: BulkOp, rows: i64) -> Outcome<Bulk> {
        let stage = Stage::pair(if op == BulkOp::Update { rows } else { 0 }).await?;
        if op == BulkOp::DeleteReferenced {
            for synced in [true, false] {
                stage.db.sql(&on_table(CHILD, synced)).await;
            }
        }
        Ok(Bulk {
            stage,
            op,
            rows,
            round: 0,
        })
    }

    fn call(&self, synced: bool) -> Call {
        let (sql, params) = match self.op {
            BulkOp::Insert => {
                let (team, author) = (param(self.stage.teams[0]), param(self.stage.user));
                (INSERT, vec![team, author, param(self.rows)])
            }
            BulkOp::Update => (UPDATE, vec![param(self.round.to_string())]),
            BulkOp::Delete | BulkOp::DeleteReferenced => (DELETE, Vec::new()),
        };
        Call {
            sql: on_table(sql, synced),
            params,
        }
    }

    /// Insertions fill empty tables, deletions full ones, updates the rows that are there.
    async fn restore(&self) -> Outcome<()> {
        match self.op {
            BulkOp::Insert => {
                self.stage
                    .db
                    .sql("truncate public.note_synced, public.note_plain")
                    .await
            }
            BulkOp::Update => {}
            BulkOp::Delete | BulkOp::DeleteReferenced => {
                for table in ["note_synced", "note_plain"] {
                    self.stage
                        .seed(table, self.stage.teams[0], self.rows)
                        .await?;
                }
            }
        }
        self.stage
            .settle("public.note_synced, public.note_plain")
            .await;
        Ok(())
    }
}

impl Workload for Bulk {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn session(&self) -> Session {
        Session::Owner
    }

    async fn next(&mut self) -> Outcome<Step> {
        self.round += 1;
        self.restore().await?;
        Ok(Step {
            ours: self.call(true),
            plain: self.call(false),
        })
    }

    fn warm_ups(&self) -> usize {
        1
    }

    fn check(&mut self, _: Option<&str>) -> Outcome<()> {
        Ok(())
    }
}
