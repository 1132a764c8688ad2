//! A user who pulls without pause and remembers what was not for them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use offline_sync_testkit::{Caller, PullAnswer};
use serde_json::json;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::cases::Scene;
use crate::error::Outcome;

/// Notes that somebody saw whom they were not for.
pub type Leaks = BTreeSet<(Uuid, String)>;

/// A running recorder.
pub struct Recorder {
    pulls: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    task: JoinHandle<Outcome<Leaks>>,
}

impl Recorder {
    /// Starts to pull as a user; `name` is what bodies of notes call them.
    pub async fn start(scene: &Scene, name: &'static str, user: Uuid) -> Recorder {
        let (pulls, stopped) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let caller = scene.stage.db.caller(user).await;
        let record = record(caller, name, Arc::clone(&pulls), Arc::clone(&stopped));
        Recorder {
            task: tokio::spawn(record),
            pulls,
            stopped,
        }
    }

    /// Complete pulls so far.
    pub fn pulls(&self) -> usize {
        self.pulls.load(Ordering::Acquire)
    }

    /// Stops; what it saw that was not for it, and how often it pulled.
    pub async fn stop(self) -> Outcome<(Leaks, usize)> {
        self.stopped.store(true, Ordering::Release);
        let leaks = self.task.await??;
        Ok((leaks, self.pulls.load(Ordering::Acquire)))
    }
}

async fn record(
    caller: Caller,
    name: &'static str,
    pulls: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
) -> Outcome<Leaks> {
    let device = caller.new_device().await;
    let mut cursor: Option<String> = None;
    let mut leaks = Leaks::new();
    while !stopped.load(Ordering::Acquire) {
        let page = caller
            .pull(device, &json!({ "cursor": cursor, "limit": 50 }))
            .await;
        not_for(name, &page, &mut leaks)?;
        if !page.has_more {
            pulls.fetch_add(1, Ordering::AcqRel);
        }
        cursor = Some(page.cursor);
        // From the start now and then: a fresh device must not see more than one that was there all along.
        if pulls.load(Ordering::Acquire).is_multiple_of(5) && !page.has_more {
            cursor = None;
        }
    }
    Ok(leaks)
}

fn not_for(name: &str, page: &PullAnswer, leaks: &mut Leaks) -> Outcome<()> {
    for upsert in page
        .changes
        .iter()
        .filter(|set| set.table == "public.note")
        .flat_map(|set| &set.upserts)
    {
        let row = upsert.json();
        let readers = row["body"].as_str().unwrap_or_default();
        if !readers.split(' ').any(|reader| reader == name) {
            let id = row["id"].as_str().unwrap_or_default().parse()?;
            leaks.insert((id, name.to_owned()));
        }
    }
    Ok(())
}
