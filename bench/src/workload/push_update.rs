//! Pushing updates, against the batched update that one would write by hand.

use serde_json::{Value, json};
use uuid::Uuid;

use super::push_insert::{check_all, push_call};
use super::{Call, Session, Step, Workload, on_table, param};
use crate::batch::{batch, now_hlc};
use crate::error::{Outcome, pg};
use crate::stage::Stage;

/// Rows of both tables.
const ROWS: i64 = 10_000;

const PLAIN: &str = "
    update public.note_plain t
    set title = m.patch ->> 'title', updated_at = (m.patch ->> 'updated_at')::timestamptz
    from jsonb_to_recordset($1::text::jsonb -> 'mutations') m (key jsonb, patch jsonb)
    where t.id = (m.key ->> 'id')::uuid";

/// What the device saw of the rows that it is going to change.
const SEEN: &str = "
    select t.id, s.version::text, jsonb_build_object('title', t.title, 'updated_at', t.updated_at)
    from public.note_synced t
    join offline_data.row_state s on s.row_key = t.id::text
    order by md5(t.id::text || $2)
    limit $1";

/// What others do to those rows meanwhile, to both tables alike.
const OTHERS: &str = "
    update {table} set title = left(title, 20) || ' theirs', updated_at = clock_timestamp() 
    where id = any ($1)";

/// Pushes batches of updates of two columns; the device knows the rows.
pub struct PushUpdate {
    stage: Stage,
    device: Uuid,
    size: u64,
    contested: bool,
    last_seq: u64,
}

impl PushUpdate {
    /// Batches of `size` mutations. `contested`: others changed both columns of every row since the device saw it, and
    /// the device's clock is the later one.
    pub async fn new(size: u64, contested: bool) -> Outcome<PushUpdate> {
        let stage = Stage::pair(ROWS).await?;
        let device = stage.db.caller(stage.user).await.new_device().await;
        Ok(PushUpdate {
            stage,
            device,
            size,
            contested,
            last_seq: 0,
        })
    }

    async fn change_as_others(&self, ids: &[Uuid]) -> Outcome<()> {
        for synced in [true, false] {
            let statement = on_table(OTHERS, synced);
            self.stage
                .db
                .owner()
                .execute(&statement, &[&ids])
                .await
                .map_err(pg)?;
        }
        Ok(())
    }
}

impl Workload for PushUpdate {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn session(&self) -> Session {
        Session::User(self.stage.user)
    }

    async fn next(&mut self) -> Outcome<Step> {
        let size = i64::try_from(self.size)?;
        let order = self.last_seq.to_string();
        let seen = self
            .stage
            .db
            .owner()
            .query(SEEN, &[&size, &order])
            .await
            .map_err(pg)?;
        if self.contested {
            let ids: Vec<Uuid> = seen.iter().map(|row| row.get(0)).collect();
            self.change_as_others(&ids).await?;
        }
        // One millisecond after whatever the others' clock showed.
        let hlc = now_hlc() + (1 << 16);
        let mutations: Vec<Value> = (self.last_seq + 1..)
            .zip(&seen)
            .map(|(seq, row)| {
                let (id, base, before): (Uuid, String, Value) = (row.get(0), row.get(1), row.get(2));
                let patch = json!({ "title": format!("Edit {seq}"), "updated_at": "2026-11-20T10:00:00.000Z" });
                json!({ "seq": seq.to_string(), "op": "update", "table": "public.note_synced", "key": { "id": id },
                    "base": base, "patch": patch, "before": before, "hlc": (hlc + seq % 1_000).to_string() })
            })
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
        check_all(
            answer,
            self.size,
            if self.contested { "merged" } else { "applied" },
        )
    }
}
