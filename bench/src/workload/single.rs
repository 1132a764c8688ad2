//! Single-row writes by others on a synced table, against the same on a table that is not.

use uuid::Uuid;

use super::{Call, Session, Step, Workload, on_table, param};
use crate::error::{Outcome, pg};
use crate::stage::Stage;

/// Rows that both tables begin with.
const ROWS: i64 = 10_000;

const INSERT: &str = "
    insert into {table} (id, team_id, author, title, body, likes, status) values ($1, $2, $3, $4, $5, 1, 'draft')";

const UPDATE: &str = "update {table} set title = $2, updated_at = clock_timestamp() where id = $1";

/// Kind of statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleOp {
    /// `insert … values`.
    Insert,
    /// `update` of two columns by key.
    Update,
}

/// One row a statement and transaction, by the owner of the tables.
pub struct Single {
    stage: Stage,
    op: SingleOp,
    ids: Vec<Uuid>,
    round: usize,
}

impl Single {
    /// Tables of 10,000 rows.
    pub async fn new(op: SingleOp) -> Outcome<Single> {
        let stage = Stage::pair(ROWS).await?;
        let query = "select id from public.note_synced order by md5(id::text)";
        let ids = stage.db.owner().query(query, &[]).await.map_err(pg)?;
        let ids = ids.iter().map(|row| row.get(0)).collect();
        Ok(Single {
            stage,
            op,
            ids,
            round: 0,
        })
    }

    fn call(&self, synced: bool, id: Uuid) -> Call {
        let title = format!("Single {}", self.round);
        let (sql, params) = match self.op {
            SingleOp::Insert => {
                let (team, author) = (param(self.stage.teams[0]), param(self.stage.user));
                let body = "lorem ipsum ".repeat(12);
                (
                    INSERT,
                    vec![param(id), team, author, param(title), param(body)],
                )
            }
            SingleOp::Update => (UPDATE, vec![param(id), param(title)]),
        };
        Call {
            sql: on_table(sql, synced),
            params,
        }
    }
}

impl Workload for Single {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn session(&self) -> Session {
        Session::Owner
    }

    async fn next(&mut self) -> Outcome<Step> {
        self.round += 1;
        let id = match self.op {
            SingleOp::Insert => Uuid::new_v4(),
            SingleOp::Update => self.ids[self.round % self.ids.len()],
        };
        Ok(Step {
            ours: self.call(true, id),
            plain: self.call(false, id),
        })
    }

    fn check(&mut self, _: Option<&str>) -> Outcome<()> {
        Ok(())
    }
}
