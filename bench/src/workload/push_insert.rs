//! Pushing insertions, against the batched upsert that one would write by hand.

use offline_sync_testkit::PushAnswer;
use serde_json::Value;
use uuid::Uuid;

use super::{Call, Session, Step, Workload, param};
use crate::batch::{batch, insert_note};
use crate::error::{Outcome, ensure};
use crate::stage::Stage;

/// Rows that both tables begin with.
const ROWS: i64 = 10_000;

/// The fastest of the ways of writing it that were tried (`jsonb_to_record` on the patch, record types, `json`).
const PLAIN: &str = "
    insert into public.note_plain (id, team_id, author, title, body, likes, status, updated_at)
    select (m.key ->> 'id')::uuid, (m.patch ->> 'team_id')::uuid, (m.patch ->> 'author')::uuid, m.patch ->> 'title',
        m.patch ->> 'body', (m.patch ->> 'likes')::integer, m.patch ->> 'status', (m.patch ->> 'updated_at')::timestamptz
    from jsonb_to_recordset($1::text::jsonb -> 'mutations') m (key jsonb, patch jsonb)
    on conflict (id) do update
    set team_id = excluded.team_id, author = excluded.author, title = excluded.title, body = excluded.body,
        likes = excluded.likes, status = excluded.status, updated_at = excluded.updated_at";

/// Pushes batches of new notes.
pub struct PushInsert {
    stage: Stage,
    device: Uuid,
    size: u64,
    last_seq: u64,
}

impl PushInsert {
    /// Batches of `size` mutations.
    pub async fn new(size: u64) -> Outcome<PushInsert> {
        let stage = Stage::pair(ROWS).await?;
        let device = stage.db.caller(stage.user).await.new_device().await;
        Ok(PushInsert {
            stage,
            device,
            size,
            last_seq: 0,
        })
    }
}

impl Workload for PushInsert {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn session(&self) -> Session {
        Session::User(self.stage.user)
    }

    async fn next(&mut self) -> Outcome<Step> {
        let (team, author) = (self.stage.teams[0], self.stage.user);
        let seqs = self.last_seq + 1..=self.last_seq + self.size;
        let mutations: Vec<Value> = seqs
            .map(|seq| insert_note("public.note_synced", seq, Uuid::new_v4(), team, author))
            .collect();
        self.last_seq += self.size;
        let text = batch(&mutations);
        Ok(Step {
            ours: push_call(self.device, &text),
            plain: Call {
                sql: PLAIN.to_owned(),
                params: vec![param(text)],
            },
        })
    }

    fn check(&mut self, answer: Option<&str>) -> Outcome<()> {
        check_all(answer, self.size, "applied")
    }
}

/// `offline.push` of a batch.
pub fn push_call(device: Uuid, batch: &str) -> Call {
    let params = vec![param(device), param(batch.to_owned())];
    Call {
        sql: "select offline.push($1, $2)::text".to_owned(),
        params,
    }
}

/// Fails unless all verdicts of an answer are `status`.
pub fn check_all(answer: Option<&str>, size: u64, status: &str) -> Outcome<()> {
    let answer = PushAnswer::parse(answer.ok_or("push answered nothing")?);
    let right = answer.count(status) as u64;
    let other = || {
        answer
            .results
            .iter()
            .find(|verdict| verdict.status != status)
    };
    ensure(
        right == size,
        format!("{right} of {size} are {status}; another: {:?}", other()),
    )
}
