//! Pulling changed rows, against reading the same rows by key.

use offline_sync_testkit::PullAnswer;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, Session, Step, Workload, param};
use crate::error::{Outcome, ensure, pg};
use crate::stage::Stage;

/// Rows of the table.
const ROWS: i64 = 10_000;

const PLAIN: &str =
    "select jsonb_agg(to_jsonb(t))::text from public.note_synced t where t.id = any ($1)";

const CHANGE: &str = "
    update public.note_synced set title = 'Change ' || $2, updated_at = clock_timestamp()
    where id in (select id from public.note_synced order by md5(id::text || $2) limit $1)
    returning id";

/// Pulls what another service changed.
pub struct PullChanged {
    stage: Stage,
    device: Uuid,
    size: i64,
    cursor: Option<String>,
    round: u64,
}

impl PullChanged {
    /// `size` changed rows a pull.
    pub async fn new(size: i64) -> Outcome<PullChanged> {
        let stage = Stage::pair(ROWS).await?;
        let caller = stage.db.caller(stage.user).await;
        let device = caller.new_device().await;
        let pages = caller
            .pull_all(device, None, &json!({ "push_scopes": true }))
            .await;
        let cursor = pages.last().map(|page| page.cursor.clone());
        Ok(PullChanged {
            stage,
            device,
            size,
            cursor,
            round: 0,
        })
    }
}

impl Workload for PullChanged {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn session(&self) -> Session {
        Session::User(self.stage.user)
    }

    async fn next(&mut self) -> Outcome<Step> {
        self.round += 1;
        let round = self.round.to_string();
        let changed = self
            .stage
            .db
            .owner()
            .query(CHANGE, &[&self.size, &round])
            .await
            .map_err(pg)?;
        let ids: Vec<Uuid> = changed.iter().map(|row| row.get(0)).collect();
        Ok(Step {
            ours: pull_call(self.device, self.cursor.as_deref(), self.size),
            plain: Call {
                sql: PLAIN.to_owned(),
                params: vec![param(ids)],
            },
        })
    }

    fn check(&mut self, answer: Option<&str>) -> Outcome<()> {
        let answer = PullAnswer::parse(answer.ok_or("pull answered nothing")?);
        let rows = answer.len();
        let complete = usize::try_from(self.size)? == rows && !answer.has_more;
        ensure(complete, format!("{rows} rows instead of {}", self.size))?;
        self.cursor = Some(answer.cursor);
        Ok(())
    }
}

/// `offline.pull` of at most `limit` rows.
pub fn pull_call(device: Uuid, cursor: Option<&str>, limit: i64) -> Call {
    let request: Value =
        json!({ "cursor": cursor, "limit": limit, "seen_seq": "0", "push_scopes": true });
    Call {
        sql: "select offline.pull($1, $2)::text".to_owned(),
        params: vec![param(device), param(request)],
    }
}
