//! The accounts: what became of every mutation, and what the accepted ones add up to.

use std::collections::BTreeSet;

use super::World;
use crate::answer::{PushAnswer, Server, Verdict, took_effect};
use crate::device::Ties;
use crate::table::{BEST, COLUMNS, LIKES};

/// What a device's mutation adds, if it takes effect.
pub(super) struct Intent {
    pub row: usize,
    pub likes: i64,
    pub best: Option<i64>,
    pub title: bool,
    /// Words that it adds to a column, and that it removes.
    pub words: Vec<(usize, BTreeSet<String>, BTreeSet<String>)>,
    /// Made without sight of the row.
    pub blind: bool,
    /// What it hangs together with.
    pub ties: Ties,
    /// The status of its latest verdict, and the SQLSTATE.
    pub outcome: Option<String>,
    pub code: Option<String>,
}

impl Intent {
    /// Whether it took effect, as far as there is a verdict.
    fn took_effect(&self) -> bool {
        self.outcome.as_deref().is_some_and(took_effect)
    }

    fn is(&self, outcome: &str) -> bool {
        self.outcome.as_deref() == Some(outcome)
    }
}

impl<S: Server> World<'_, S> {
    /// Every mutation of a batch has one verdict, takes effect at most once, and no acknowledgement is taken back.
    pub(super) fn account(
        &mut self,
        device: usize,
        before: u64,
        seqs: &[u64],
        answer: &PushAnswer,
    ) -> Result<(), String> {
        if self.keeps_answers {
            let mut lines: Vec<(u64, String)> = answer
                .results
                .iter()
                .map(|verdict| (verdict.seq, verdict.summary()))
                .collect();
            lines.sort();
            let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
            self.answers
                .push(format!("device {device} pushes: {}", lines.join(", ")));
        }
        let last = seqs.last().copied().unwrap_or(0);
        if answer.acked_seq != before.max(last) {
            return Err(format!(
                "device {device}: {} is acknowledged after a push up to {last}, and {before} before it",
                answer.acked_seq
            ));
        }
        self.acked[device] = answer.acked_seq;
        for seq in seqs {
            let found = answer
                .results
                .iter()
                .filter(|verdict| verdict.seq == *seq)
                .count();
            if found != 1 {
                return Err(format!("device {device}: {found} verdicts on {seq}"));
            }
        }
        for verdict in &answer.results {
            let Some(intent) = self.intents.get_mut(&(device, verdict.seq)) else {
                return Err(format!(
                    "device {device}: a verdict on {}, which it never made",
                    verdict.seq
                ));
            };
            if verdict.status == "duplicate" {
                if intent.outcome.is_none() {
                    return Err(format!(
                        "device {device}: {} is a duplicate of nothing",
                        verdict.seq
                    ));
                }
                continue;
            }
            let decided = intent
                .outcome
                .as_deref()
                .filter(|outcome| *outcome != "deferred");
            if let Some(outcome) = decided {
                return Err(format!(
                    "device {device}: {} is {} after it was {outcome}",
                    verdict.seq, verdict.status
                ));
            }
            intent.outcome = Some(verdict.status.clone());
            intent.code.clone_from(&verdict.code);
            self.counts.contested += verdict.columns.len() as u64;
            if verdict.took_effect() && intent.row < self.shape.lasting {
                self.add_up(device, verdict);
            }
        }
        for verdict in &answer.results {
            self.check_ties(device, verdict.seq)?;
        }
        Ok(())
    }

    /// Adds what an edit of a lasting row adds.
    fn add_up(&mut self, device: usize, verdict: &Verdict) {
        let Some(intent) = self.intents.get(&(device, verdict.seq)) else {
            return;
        };
        let counts = |column: usize| {
            verdict
                .columns
                .get(COLUMNS[column].name)
                .is_none_or(|outcome| outcome != "manual")
        };
        if counts(LIKES) {
            self.likes[intent.row] += intent.likes;
        }
        if let Some(offer) = intent.best.filter(|_| counts(BEST)) {
            self.best[intent.row] = self.best[intent.row].max(offer);
        }
        for (column, added, removed) in &intent.words {
            let known = self.words.entry((intent.row, *column)).or_default();
            if intent.blind {
                // What the device wrote itself it replaces: docs/merging.md, "Bases".
                let own = format!("d{device}s");
                let [before, gone] = &mut *known;
                gone.extend(before.iter().filter(|word| word.starts_with(&own)).cloned());
            }
            known[0].extend(added.iter().cloned());
            known[1].extend(removed.iter().cloned());
        }
    }

    /// What a mutation requires took effect before it does; a group shares its fate; nothing falls with something that stands.
    fn check_ties(&self, device: usize, seq: u64) -> Result<(), String> {
        let of = |seq: &u64| self.intents.get(&(device, *seq));
        let Some(intent) = of(&seq) else {
            return Ok(());
        };
        let broken = |what: String| {
            Err(format!(
                "device {device}: {seq} is {:?}: {what}",
                intent.outcome
            ))
        };
        if intent.took_effect() {
            let required = &intent.ties.after;
            if let Some(other) = required
                .iter()
                .find(|other| !of(other).is_some_and(Intent::took_effect))
            {
                let outcome = of(other).and_then(|other| other.outcome.clone());
                return broken(format!("{other}, which it requires, is {outcome:?}"));
            }
        }
        let alone = [seq];
        let group = intent
            .ties
            .group
            .and_then(|group| self.groups.get(&(device, group)));
        let members = group.map_or(&alone[..], |members| members);
        for other in members.iter().filter_map(of) {
            let same = ["rejected", "deferred"]
                .iter()
                .all(|fate| intent.is(fate) == other.is(fate));
            if intent.took_effect() != other.took_effect() || !same {
                return broken(format!("another of its group is {:?}", other.outcome));
            }
        }
        if intent.is("rejected") && intent.code.as_deref() == Some("PT424") {
            let fallen = |member: &Intent| {
                let required = member.ties.after.iter().filter_map(of);
                member.code.as_deref() != Some("PT424")
                    || required.into_iter().any(|other| other.is("rejected"))
            };
            if !members.iter().filter_map(of).any(fallen) {
                return broken("nothing that it hangs together with was rejected".to_owned());
            }
        }
        Ok(())
    }
}
