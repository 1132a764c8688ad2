//! What a device does, and what should come of it: the model.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::batch::{batch, now_hlc};

/// A note whose likes several devices count.
#[derive(Clone, Debug)]
pub struct Counter {
    /// Its id.
    pub id: Uuid,
    /// Its version when the devices first saw it.
    pub version: String,
}

/// All mutations of a device, and their effect if each happens once.
pub struct Outbox {
    /// The device.
    pub device: Uuid,
    /// Last seq that the device knows to be acknowledged.
    pub acked: u64,
    /// First verdicts, by seq.
    pub verdicts: BTreeMap<u64, String>,
    /// Titles of the device's own notes; deleted ones have none.
    pub notes: BTreeMap<Uuid, Option<String>>,
    /// What the device added to the likes of each counter.
    pub added: BTreeMap<Uuid, i64>,
    /// Mutations that break a rule, with the SQLSTATE that they are rejected with.
    pub rejected: BTreeMap<u64, &'static str>,
    team: Uuid,
    user: Uuid,
    counters: Vec<Counter>,
    mutations: Vec<Value>,
}

impl Outbox {
    /// An empty one.
    pub fn new(device: Uuid, team: Uuid, user: Uuid, counters: Vec<Counter>) -> Outbox {
        Outbox {
            device,
            acked: 0,
            verdicts: BTreeMap::new(),
            notes: BTreeMap::new(),
            added: BTreeMap::new(),
            rejected: BTreeMap::new(),
            team,
            user,
            counters,
            mutations: Vec::new(),
        }
    }

    /// Mutations so far.
    pub fn len(&self) -> usize {
        self.mutations.len()
    }

    /// Last seq.
    pub fn last_seq(&self) -> u64 {
        self.mutations.len() as u64
    }

    /// Text of a batch of the mutations from one seq to another.
    pub fn batch(&self, from: u64, to: u64) -> String {
        let places = from.saturating_sub(1) as usize..to as usize;
        batch(&self.mutations[places])
    }

    /// Seqs that take effect.
    pub fn effective(&self) -> BTreeSet<u64> {
        (1..=self.last_seq())
            .filter(|seq| !self.rejected.contains_key(seq))
            .collect()
    }

    /// The person at the device does something.
    pub fn act(&mut self, choices: &mut StdRng) {
        let kept = self
            .notes
            .iter()
            .filter(|(_, title)| title.is_some())
            .map(|(id, _)| *id)
            .choose(choices);
        match (choices.random_range(0..100), kept) {
            (0..40, _) => self.count(choices),
            (40..60, Some(note)) => self.rename(note),
            (60..70, Some(note)) => self.delete(note),
            (70..74, _) => self.break_a_rule(choices),
            _ => self.write(),
        }
    }

    fn next_seq(&self) -> u64 {
        self.last_seq() + 1
    }

    fn record(&mut self, op: &str, id: Uuid, more: Value) {
        let mut mutation = json!({
            "seq": self.next_seq().to_string(), "op": op, "table": "public.note", "key": { "id": id },
            "hlc": now_hlc().to_string()
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            mutation[name] = value.clone();
        }
        self.mutations.push(mutation);
    }

    /// The device has not pulled since the start: it sees what it added itself.
    fn count(&mut self, choices: &mut StdRng) {
        let Some(counter) = self.counters.choose(choices).cloned() else {
            return;
        };
        let step = choices.random_range(1..=9_i64);
        let seen = self.added.entry(counter.id).or_insert(0);
        let (before, after) = (*seen, *seen + step);
        *seen = after;
        let more = json!({ "base": counter.version, "before": { "likes": before }, "patch": { "likes": after } });
        self.record("update", counter.id, more);
    }

    fn write(&mut self) {
        let (id, title) = (
            Uuid::new_v4(),
            format!("{} {}", self.device, self.next_seq()),
        );
        let patch = json!({ "team_id": self.team, "author": self.user, "title": title });
        self.record("insert", id, json!({ "base": null, "patch": patch }));
        self.notes.insert(id, Some(title));
    }

    fn rename(&mut self, id: Uuid) {
        let title = format!("{} {}", self.device, self.next_seq());
        self.record("update", id, json!({ "patch": { "title": title } }));
        self.notes.insert(id, Some(title));
    }

    fn delete(&mut self, id: Uuid) {
        self.record("delete", id, json!({}));
        self.notes.insert(id, None);
    }

    /// A title that is too long and, sometimes, a mutation that depends on it.
    fn break_a_rule(&mut self, choices: &mut StdRng) {
        let seq = self.next_seq();
        let patch = json!({ "team_id": self.team, "author": self.user, "title": "x".repeat(201) });
        self.record(
            "insert",
            Uuid::new_v4(),
            json!({ "base": null, "patch": patch }),
        );
        self.rejected.insert(seq, "23514");
        if choices.random_bool(0.5) {
            let patch = json!({ "team_id": self.team, "author": self.user, "title": "depends" });
            let more = json!({ "base": null, "patch": patch, "after": [seq.to_string()] });
            self.record("insert", Uuid::new_v4(), more);
            self.rejected.insert(seq + 1, "PT424");
        }
    }
}
