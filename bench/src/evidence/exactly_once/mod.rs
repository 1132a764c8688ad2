//! Exactly once: devices whose answers get lost, whose pushes are repeated, cut short, sent twice at once and killed, beside
//! a model to which every mutation happens once.

mod audit;
mod delivery;
mod outbox;

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::Size;
use crate::error::{Outcome, pg};
use crate::row::{Bar, Row};
use crate::stage::Stage;
use delivery::{Courier, Incidents};
use outbox::{Counter, Outbox};

/// Devices that push at the same time.
const DEVICES: u64 = 3;

/// Notes whose likes all devices count.
const COUNTERS: i64 = 40;

const SEED: u64 = 20_261_120;

/// Row `exactly_once`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let rounds: u64 = size.pick(200, 1_000);
    let stage = Arc::new(Stage::sample(1).await?);
    stage.seed("note", stage.teams[0], COUNTERS).await?;
    stage.db.sql("update public.note set likes = 0").await;
    let counters = counters(&stage).await?;

    let devices = (0..DEVICES).map(|number| {
        let (stage, counters) = (Arc::clone(&stage), counters.clone());
        let rounds = (rounds + number) / DEVICES;
        tokio::spawn(async move { live(&stage, counters, rounds, SEED + number).await })
    });
    let mut outboxes = Vec::new();
    let mut incidents = Incidents::default();
    for device in devices.collect::<Vec<_>>() {
        let (outbox, met) = device.await??;
        outboxes.push(outbox);
        incidents = incidents.plus(met);
    }
    let differences = audit::differences(&stage, &counters, &outboxes).await?;
    for difference in differences.iter().chain(&incidents.contradictions).take(20) {
        eprintln!("exactly_once: {difference}");
    }
    let mutations: usize = outboxes.iter().map(Outbox::len).sum();
    let what = format!(
        "differences between the database (rows, counters, history, dead letters, conflict log, what a new device pulls) and a \
         model to which each of {mutations} mutations happens once; {} pushes, {} answers lost, {} cut short, {} sent twice at \
         once, {} rolled back, {} killed",
        incidents.pushes,
        incidents.lost,
        incidents.cut,
        incidents.doubled,
        incidents.rolled_back,
        incidents.killed
    );
    let value = differences.len() + incidents.contradictions.len();
    let row = Row::new(
        "exactly_once",
        value as f64,
        "differences",
        Bar::Exactly(0.0),
    );
    Ok(vec![row.what(what).size(format!(
        "{rounds} rounds, {DEVICES} devices at the same time, seed {SEED}"
    ))])
}

/// The notes that everyone counts on, as devices first saw them.
async fn counters(stage: &Stage) -> Outcome<Vec<Counter>> {
    let query = "
        select t.id, s.version::text from public.note t join offline_data.row_state s on s.row_key = t.id::text order by t.id";
    let rows = stage.db.owner().query(query, &[]).await.map_err(pg)?;
    Ok(rows
        .iter()
        .map(|row| Counter {
            id: row.get(0),
            version: row.get(1),
        })
        .collect())
}

/// One device, from its first mutation until everything that it did has a verdict.
async fn live(
    stage: &Stage,
    counters: Vec<Counter>,
    rounds: u64,
    seed: u64,
) -> Outcome<(Outbox, Incidents)> {
    let user = Uuid::new_v4();
    stage.join(user, stage.teams[0]).await?;
    let mut choices = StdRng::seed_from_u64(seed);
    let mut courier = Courier::new(stage, user).await?;
    let mut outbox = Outbox::new(courier.device, stage.teams[0], user, counters);
    for _ in 0..rounds {
        for _ in 0..choices.random_range(1..=12) {
            outbox.act(&mut choices);
        }
        courier.deliver(&mut outbox, &mut choices).await?;
    }
    courier.settle(&mut outbox).await?;
    Ok((outbox, courier.incidents))
}
