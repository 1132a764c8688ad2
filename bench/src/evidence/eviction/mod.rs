//! Eviction: what a user may no longer see is gone from the device at its next pull, and nobody sees what is not theirs,
//! however the pulls fall between the changes.
//!
//! Each note's body names those who may read it. Users of all kinds pull throughout and note every row that is not for
//! them.

mod cases;
mod recorder;

use std::collections::BTreeSet;

use offline_sync_testkit::{Device, eventually, visible_rows};
use uuid::Uuid;

use super::Size;
use crate::error::Outcome;
use crate::row::{Bar, Row};
use cases::{CASES, Case, Scene};
use recorder::Recorder;

/// Rows `eviction_*`.
pub async fn run(size: Size) -> Outcome<Vec<Row>> {
    let rows = size.pick(200, 2_000);
    let scene = Scene::set(rows).await?;
    let mut recorders = Vec::new();
    for (name, user) in scene.everyone() {
        recorders.push(Recorder::start(&scene, name, user).await);
    }
    let mut victim = Device::new(&scene.stage.db, scene.victim).await;
    victim.page_limit = 50;
    let mut found = Vec::new();
    for case in CASES {
        found.push(play(&scene, case, &mut victim, &recorders).await?);
    }
    let mut leaks = BTreeSet::new();
    let mut pulls = 0;
    for recorder in recorders {
        let (seen, pulled) = recorder.stop().await?;
        leaks.extend(seen);
        pulls += pulled;
    }
    let rows = CASES
        .iter()
        .zip(found)
        .map(|(case, found)| found.row(*case, &leaks, rows, pulls));
    Ok(rows.collect())
}

/// What came of one case.
struct Found {
    /// Notes that the case took away from the victim.
    taken: BTreeSet<Uuid>,
    /// Those still on the device after its next pull.
    left: usize,
    /// Whether the device has exactly what its user may see, and had the taken rows before.
    exact: bool,
}

impl Found {
    fn row(&self, case: Case, leaks: &BTreeSet<(Uuid, String)>, rows: i64, pulls: usize) -> Row {
        let seen: Vec<&String> = leaks
            .iter()
            .filter(|(id, _)| self.taken.contains(id))
            .map(|(_, name)| name)
            .collect();
        let what = format!(
            "{}: {} notes still on the device after its next pull, of {}, plus {} seen by somebody whom they were not for, in \
             {pulls} pulls of five users throughout",
            case.what(),
            self.left,
            self.taken.len(),
            seen.len()
        );
        Row::new(
            case.name(),
            (self.left + seen.len()) as f64,
            "notes",
            Bar::Exactly(0.0),
        )
        .what(what)
        .size(format!("{rows} notes a team, pages of 50"))
        .and(self.exact && !self.taken.is_empty())
    }
}

/// Lets a case happen, and pulls once.
async fn play(
    scene: &Scene,
    case: Case,
    victim: &mut Device,
    recorders: &[Recorder],
) -> Outcome<Found> {
    let taken = scene.doomed(case).await?;
    let ids: BTreeSet<String> = taken.iter().map(Uuid::to_string).collect();
    let held = victim
        .rows("public.note")
        .keys()
        .filter(|key| ids.contains(*key))
        .count();
    scene.happen(case).await?;
    victim.pull().await;
    let rows = victim.rows("public.note");
    let visible = visible_rows(&victim.caller, "public.note", &["id"], &[], "true").await;
    let left = rows.keys().filter(|key| ids.contains(*key)).count();
    // Everybody pulls twice more, so that a leak has its chance to be seen.
    for recorder in recorders {
        let before = recorder.pulls();
        eventually("a recorder pulls", || async {
            recorder.pulls() >= before + 2
        })
        .await;
    }
    Ok(Found {
        left,
        exact: rows == visible && held == taken.len(),
        taken,
    })
}
