//! A network that loses, repeats, cuts, doubles, aborts and kills.

use std::collections::BTreeSet;
use std::time::Duration;

use offline_sync_testkit::{Caller, PgError, PushAnswer, eventually};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio_postgres::Client;
use uuid::Uuid;

use super::outbox::Outbox;
use crate::error::{Outcome, pg};
use crate::stage::Stage;

/// Acknowledged mutations that a batch repeats, at most.
const REPEATED: u64 = 10;

/// What happened on the way.
#[derive(Debug, Default)]
pub struct Incidents {
    /// Calls of `offline.push`.
    pub pushes: usize,
    /// Answers that never arrived.
    pub lost: usize,
    /// Batches of which a part was pushed before.
    pub cut: usize,
    /// Batches pushed by two connections at once.
    pub doubled: usize,
    /// Pushes whose transaction was rolled back.
    pub rolled_back: usize,
    /// Pushes whose backend was killed in the middle.
    pub killed: usize,
    /// Verdicts that cannot be true together.
    pub contradictions: Vec<String>,
}

impl Incidents {
    /// The sum.
    pub fn plus(mut self, other: Incidents) -> Incidents {
        self.contradictions.extend(other.contradictions);
        Incidents {
            pushes: self.pushes + other.pushes,
            lost: self.lost + other.lost,
            cut: self.cut + other.cut,
            doubled: self.doubled + other.doubled,
            rolled_back: self.rolled_back + other.rolled_back,
            killed: self.killed + other.killed,
            contradictions: self.contradictions,
        }
    }
}

/// Carries the batches of one device over two connections.
pub struct Courier<'a> {
    /// The device.
    pub device: Uuid,
    /// What it met with.
    pub incidents: Incidents,
    stage: &'a Stage,
    user: Uuid,
    lines: [Caller; 2],
    admin: Client,
}

impl<'a> Courier<'a> {
    /// Registers a device of the user.
    pub async fn new(stage: &'a Stage, user: Uuid) -> Outcome<Courier<'a>> {
        let lines = [stage.db.caller(user).await, stage.db.caller(user).await];
        let device = lines[0].new_device().await;
        let admin = stage.db.connect("postgres").await;
        Ok(Courier {
            device,
            incidents: Incidents::default(),
            stage,
            user,
            lines,
            admin,
        })
    }

    /// Sends what is not acknowledged, and often something that is; what comes of it is a matter of luck.
    pub async fn deliver(&mut self, outbox: &mut Outbox, choices: &mut StdRng) -> Outcome<()> {
        let from = outbox.acked + 1 - choices.random_range(0..=outbox.acked.min(REPEATED));
        let to = outbox.last_seq();
        let batch = outbox.batch(from, to);
        match choices.random_range(0..6) {
            0 => self.push_answered(outbox, &batch).await?,
            1 => {
                self.incidents.lost += 1;
                self.push(0, &batch).await?;
            }
            2 => self.push_twice(outbox, &batch).await?,
            3 => {
                self.incidents.cut += 1;
                let middle = choices.random_range(from.max(outbox.acked)..=to).max(from);
                self.push(0, &outbox.batch(from, middle)).await?;
                self.push_answered(outbox, &batch).await?;
            }
            4 => {
                self.incidents.rolled_back += 1;
                self.lines[0].try_sql("begin").await?;
                self.push(0, &batch).await?;
                self.lines[0].try_sql("rollback").await?;
            }
            _ => {
                self.push_killed(&batch, choices.random_range(0..12))
                    .await?
            }
        }
        Ok(())
    }

    /// Sends the rest, until everything has a verdict that is final.
    pub async fn settle(&mut self, outbox: &mut Outbox) -> Outcome<()> {
        let rest = outbox.batch(outbox.acked + 1, outbox.last_seq());
        while outbox.acked < outbox.last_seq() {
            self.push_answered(outbox, &rest).await?;
        }
        // An empty batch makes the server try again what it deferred.
        let (line, device, owner) = (&self.lines[0], self.device, self.stage.db.owner());
        let empty = crate::batch::batch(&[]);
        eventually("no mutation is deferred any more", || async {
            let query =
                "select from offline_data.sync_queue where device_id = $1 and status = 'deferred'";
            let pushed = line.push_text(device, &empty).await.is_ok();
            pushed
                && owner
                    .query(query, &[&device])
                    .await
                    .is_ok_and(|rows| rows.is_empty())
        })
        .await;
        Ok(())
    }

    /// The answer, or nothing when the server was too busy: then it did nothing.
    async fn push(&mut self, line: usize, batch: &str) -> Outcome<Option<PushAnswer>> {
        self.incidents.pushes += 1;
        taken(self.lines[line].push_text(self.device, batch).await)
    }

    async fn push_answered(&mut self, outbox: &mut Outbox, batch: &str) -> Outcome<()> {
        if let Some(answer) = self.push(0, batch).await? {
            self.take(outbox, &[&answer]);
        }
        Ok(())
    }

    async fn push_twice(&mut self, outbox: &mut Outbox, batch: &str) -> Outcome<()> {
        self.incidents.pushes += 2;
        self.incidents.doubled += 1;
        let [one, two] = &self.lines;
        let (one, two) = tokio::join!(
            one.push_text(self.device, batch),
            two.push_text(self.device, batch)
        );
        let (one, two) = (taken(one)?, taken(two)?);
        let answers: Vec<&PushAnswer> = one.iter().chain(&two).collect();
        self.take(outbox, &answers);
        Ok(())
    }

    async fn push_killed(&mut self, batch: &str, after_ms: u64) -> Outcome<()> {
        self.incidents.pushes += 1;
        self.incidents.killed += 1;
        let backend = "select pg_backend_pid()";
        let pid: i32 = self.lines[0]
            .client()
            .query_one(backend, &[])
            .await
            .map_err(pg)?
            .get(0);
        let kill = async {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            self.admin
                .execute("select pg_terminate_backend($1, 5000)", &[&pid])
                .await
                .map_err(pg)
        };
        // Whether it got through or not, nobody knows: that is the point.
        let (_, killed) = tokio::join!(self.lines[0].push_text(self.device, batch), kill);
        killed?;
        self.lines[0] = self.stage.db.caller(self.user).await;
        Ok(())
    }

    /// Takes in answers to the same batch. A seq may be decided once; later answers say that it was.
    fn take(&mut self, outbox: &mut Outbox, answers: &[&PushAnswer]) {
        let known: BTreeSet<u64> = outbox.verdicts.keys().copied().collect();
        for answer in answers {
            for verdict in &answer.results {
                let Ok(seq) = verdict.seq.parse::<u64>() else {
                    continue;
                };
                let summary = verdict.summary();
                let earlier = outbox
                    .verdicts
                    .get(&seq)
                    .filter(|earlier| !earlier.contains("deferred"));
                if verdict.status == "duplicate" {
                    outbox.verdicts.entry(seq).or_insert(summary);
                } else if let Some(earlier) =
                    earlier.filter(|earlier| known.contains(&seq) || !earlier.starts_with("dup"))
                {
                    let line = format!(
                        "seq {seq} of {} was {earlier} and is {summary}",
                        self.device
                    );
                    self.incidents.contradictions.push(line);
                } else {
                    outbox.verdicts.insert(seq, summary);
                }
            }
            outbox.acked = outbox
                .acked
                .max(answer.acked_seq.parse().unwrap_or_default());
        }
    }
}

/// A server that is too busy (a lock, a deadlock) did nothing, and the device tries again.
fn taken(answer: Result<String, PgError>) -> Outcome<Option<PushAnswer>> {
    match answer {
        Ok(text) => Ok(Some(PushAnswer::parse(&text))),
        Err(error) if ["55P03", "40P01", "40001"].contains(&error.code.as_str()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
