//! Poison: a batch in which three mutations can never be applied. They cost one verdict each.

use offline_sync_testkit::{Caller, Device, PushAnswer, visible_rows};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Size;
use crate::batch::{batch, insert_note};
use crate::error::{Outcome, ensure};
use crate::measure::{Pairs, in_turn};
use crate::row::{Bar, Row};
use crate::stage::Stage;

const BATCH: u64 = 1_000;

/// Places in the batch: a title that is too long, a note for a team of others, a task of a note that does not exist.
const CHECK: u64 = 250;
const POLICY: u64 = 500;
const FOREIGN_KEY: u64 = 760;

/// What the three are rejected with, in the order of seq.
const VERDICTS: [(u64, &str); 3] = [(CHECK, "23514"), (POLICY, "42501"), (FOREIGN_KEY, "23503")];

/// Rows `poison` and `poison_time`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let stage = Stage::sample(2).await?;
    Ok(vec![
        one_call(&stage).await?,
        time(&stage, size.pick(7, 31)).await?,
    ])
}

/// One call with poison, then a pull by a device that was not involved.
async fn one_call(stage: &Stage) -> Outcome<Row> {
    let caller = stage.db.caller(stage.user).await;
    let device = caller.new_device().await;
    let answer = PushAnswer::parse(
        &caller
            .push_text(device, &batch(&mutations(stage, 1, true)))
            .await?,
    );
    let rejected = VERDICTS.map(|(seq, code)| answer.status(seq) == format!("rejected {code}"));
    let right = rejected.iter().all(|right| *right) && answer.results.len() as u64 == BATCH;

    let mut other = Device::new(&stage.db, stage.user).await;
    other.pull().await;
    let mut flows = true;
    let mut pulled = 0;
    for table in ["public.note", "public.team_task"] {
        let visible = visible_rows(&other.caller, table, &["id"], &[], "true").await;
        flows &= other.rows(table) == visible;
        pulled += visible.len();
    }
    let applied = answer.count("applied");
    let codes = VERDICTS.map(|(seq, _)| answer.status(seq)).join(", ");
    let what = format!(
        "mutations applied of one call in which one breaks a check, one row level security and one a foreign key \
         ({codes}); a device that pulled afterwards got {pulled} rows, {} the server's",
        if flows { "exactly" } else { "not" }
    );
    let row = Row::new(
        "poison",
        applied as f64,
        "applied",
        Bar::Exactly((BATCH - 3) as f64),
    );
    Ok(row
        .what(what)
        .size("1,000 mutations, one call")
        .and(right && flows && pulled == applied))
}

/// What the poison costs the batch.
async fn time(stage: &Stage, repetitions: usize) -> Outcome<Row> {
    let caller = stage.db.caller(stage.user).await;
    let (poisoned, clean) = (caller.new_device().await, caller.new_device().await);
    let mut pairs = Pairs::default();
    for turn in 0..repetitions {
        let first = turn as u64 * BATCH + 1;
        let (bad, good) = (
            batch(&mutations(stage, first, true)),
            batch(&mutations(stage, first, false)),
        );
        let bad = push(&caller, poisoned, &bad, BATCH - 3);
        let good = push(&caller, clean, &good, BATCH);
        let ((_, bad), (_, good)) = in_turn(turn, bad, good).await?;
        pairs.add(bad, good);
    }
    let what = "time of a batch with three mutations that can never be applied, to that of the same batch without";
    let row = super::time_row("poison_time", what, pairs.typical(), Bar::Reported);
    Ok(row.size(format!(
        "1,000 mutations a batch, {repetitions} repetitions"
    )))
}

async fn push(caller: &Caller, device: Uuid, batch: &str, applied: u64) -> Outcome<()> {
    let answer = PushAnswer::parse(&caller.push_text(device, batch).await?);
    let right = answer.count("applied") as u64;
    ensure(
        right == applied,
        format!("{right} instead of {applied} applied"),
    )
}

/// Notes, and a task for every tenth; `first` is the first seq.
fn mutations(stage: &Stage, first: u64, poisoned: bool) -> Vec<Value> {
    let (mine, theirs) = (stage.teams[0], stage.teams[1]);
    let mut last_note = Uuid::new_v4();
    (1..=BATCH)
        .map(|place| {
            let (seq, poison) = (first + place - 1, poisoned.then_some(place));
            if place % 10 == 0 && place != POLICY && place != CHECK {
                let note = if poison == Some(FOREIGN_KEY) {
                    Uuid::new_v4()
                } else {
                    last_note
                };
                return task(seq, mine, note);
            }
            last_note = Uuid::new_v4();
            let team = if poison == Some(POLICY) { theirs } else { mine };
            let mut note = insert_note("public.note", seq, last_note, team, stage.user);
            if poison == Some(CHECK) {
                note["patch"]["title"] = json!("x".repeat(201));
            }
            note
        })
        .collect()
}

fn task(seq: u64, team: Uuid, note: Uuid) -> Value {
    json!({
        "seq": seq.to_string(), "op": "insert", "table": "public.team_task", "key": { "id": Uuid::new_v4() },
        "base": null, "patch": { "team_id": team, "note_id": note, "title": format!("Task {seq}"), "done": false }
    })
}
