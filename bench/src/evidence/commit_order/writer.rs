//! One writer: transactions of a few writes, a pause, and a commit or a rollback.

use std::time::Duration;

use offline_sync_testkit::{Caller, PushAnswer};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use uuid::Uuid;

use crate::batch::{batch, insert_note};
use crate::error::{Outcome, ensure, pg};
use crate::stage::Stage;

/// Pause before the end of a transaction, at most; one in fifty takes ten times as long.
const PAUSE_MS: u64 = 40;

/// One in so many transactions is rolled back.
const ROLLBACK_SHARE: f64 = 0.1;

const INSERT: &str = "
    insert into public.note (id, team_id, author, title, body)
    select u, $2, $3, 'Note of ' || $4::text, 'lorem ipsum' from unnest($1::uuid[]) u";

/// Some rows from a random place on, whoever wrote them; rows that others hold are left alone, so nobody deadlocks.
const SOME: &str = "
    where id = any (array(select id from public.note where id > $1 order by id for update skip locked limit $2))";

/// What a writer is to do.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Which writer.
    pub number: u64,
    /// Seed of its choices.
    pub seed: u64,
    /// Rows to insert and commit.
    pub rows: u64,
    /// Through `offline.push` instead of SQL.
    pub pushes: bool,
}

/// What writers have committed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Rows inserted.
    pub inserted: u64,
    /// Updates of rows.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
    /// Transactions rolled back.
    pub rolled_back: u64,
}

impl Tally {
    /// The sum.
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            inserted: self.inserted + other.inserted,
            updated: self.updated + other.updated,
            deleted: self.deleted + other.deleted,
            rolled_back: self.rolled_back + other.rolled_back,
        }
    }
}

/// Writes until all rows are inserted and committed.
pub async fn run(stage: &Stage, task: Task) -> Outcome<Tally> {
    let caller = stage.db.caller(stage.user).await;
    let device = caller.new_device().await;
    let mut writer = Writer {
        stage,
        caller,
        device,
        task,
        choices: StdRng::seed_from_u64(task.seed),
        acked: 0,
    };
    let mut total = Tally::default();
    while total.inserted < task.rows {
        let most = (task.rows - total.inserted).min(20);
        let rows = writer.choices.random_range(1..=most);
        total = total.plus(writer.transaction(rows).await?);
    }
    Ok(total)
}

struct Writer<'a> {
    stage: &'a Stage,
    caller: Caller,
    device: Uuid,
    task: Task,
    choices: StdRng,
    acked: u64,
}

impl Writer<'_> {
    /// One transaction that inserts `rows` rows and changes some others.
    async fn transaction(&mut self, rows: u64) -> Outcome<Tally> {
        self.caller.try_sql("begin").await?;
        let mut done = Tally {
            inserted: rows,
            ..Tally::default()
        };
        if self.task.pushes {
            self.push(rows).await?;
        } else {
            self.insert(rows).await?;
            if self.choices.random_bool(0.6) {
                done.updated += self
                    .touch("update public.note set likes = likes + 1", 5)
                    .await?;
            }
            if self.choices.random_bool(0.3) {
                let team = self.team();
                done.updated += self
                    .touch(&format!("update public.note set team_id = '{team}'"), 3)
                    .await?;
            }
            if self.choices.random_bool(0.3) {
                done.deleted += self.touch("delete from public.note", 2).await?;
            }
        }
        self.pause().await;
        if self.choices.random_bool(ROLLBACK_SHARE) {
            self.caller.try_sql("rollback").await?;
            return Ok(Tally {
                rolled_back: 1,
                ..Tally::default()
            });
        }
        self.caller.try_sql("commit").await?;
        if self.task.pushes {
            self.acked += rows;
        }
        Ok(done)
    }

    async fn insert(&mut self, rows: u64) -> Outcome<()> {
        let ids: Vec<Uuid> = (0..rows).map(|_| Uuid::new_v4()).collect();
        let (team, name) = (self.team(), self.task.number.to_string());
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&ids, &team, &self.stage.user, &name];
        self.caller
            .client()
            .execute(INSERT, &params)
            .await
            .map_err(pg)?;
        Ok(())
    }

    async fn push(&mut self, rows: u64) -> Outcome<()> {
        let team = self.team();
        let seqs = self.acked + 1..=self.acked + rows;
        let mutations: Vec<Value> = seqs
            .map(|seq| insert_note("public.note", seq, Uuid::new_v4(), team, self.stage.user))
            .collect();
        let answer = PushAnswer::parse(
            &self
                .caller
                .push_text(self.device, &batch(&mutations))
                .await?,
        );
        let applied = answer.count("applied") as u64;
        ensure(applied == rows, format!("{applied} of {rows} applied"))
    }

    async fn touch(&mut self, statement: &str, most: i64) -> Outcome<u64> {
        let from = Uuid::from_u128(self.choices.random());
        let statement = format!("{statement} {SOME}");
        self.caller
            .client()
            .execute(&statement, &[&from, &most])
            .await
            .map_err(pg)
    }

    fn team(&mut self) -> Uuid {
        self.stage
            .teams
            .choose(&mut self.choices)
            .copied()
            .unwrap_or_default()
    }

    async fn pause(&mut self) {
        let slow = if self.choices.random_bool(0.02) {
            10
        } else {
            1
        };
        let pause = self.choices.random_range(0..=PAUSE_MS * slow);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
