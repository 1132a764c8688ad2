//! What persons do at their devices.

use std::collections::BTreeSet;

use super::World;
use super::account::Intent;
use crate::answer::Server;
use crate::device::{Op, Ties};
use crate::random::Random;
use crate::step::Edit;
use crate::table::{BEST, COLUMNS, COMING, LIKES, LOW, Raw, TEAM, TITLE, is_built_on, number};
use crate::value::{edited, tokens};

impl<S: Server> World<'_, S> {
    /// A person edits one row, where there is something to edit.
    pub(super) fn edit(&mut self, at: usize, row: usize, edit: Edit, ties: Ties, salt: u32) {
        let lasting = row < self.shape.lasting;
        let key = self.names.rows[row].clone();
        let device = &mut self.devices[at];
        let view = device.view(&key);
        let seq = device.last_seq + 1;
        let text = |kind: &str| Raw::from(format!("\"{kind}{at}s{seq}\""));
        let mine: Vec<usize> = (0..self.shape.teams)
            .filter(|team| self.members[at][*team])
            .collect();
        let any = salt as usize / 7 % self.shape.teams;
        // A person mostly picks a team of theirs; an outdated app may name any.
        let team = if salt.is_multiple_of(11) || mine.is_empty() {
            any
        } else {
            mine[salt as usize / 7 % mine.len()]
        };
        let team = self.names.teams[team].clone();
        let mut intent = Intent {
            row,
            likes: 0,
            best: None,
            title: false,
            words: Vec::new(),
            blind: view.is_none(),
            ties: ties.clone(),
            outcome: None,
            code: None,
        };
        let token = format!("d{at}s{seq}z");
        let mut patch: Vec<(usize, Raw)> = Vec::new();
        let mut set = |column: usize, seen: Option<&Vec<Raw>>, patch: &mut Vec<(usize, Raw)>| {
            let shown = seen.map_or("null", |row| &row[column]);
            let seen = |column: usize| seen.map_or(0, |row| number(&row[column]));
            let value: Raw = match column {
                LIKES => {
                    intent.likes = i64::from(salt % 5) + 1;
                    (seen(LIKES) + intent.likes).to_string().into()
                }
                BEST => {
                    let offer = seen(BEST) + i64::from(salt % 50);
                    intent.best = Some(offer);
                    offer.to_string().into()
                }
                LOW => (seen(LOW) - i64::from(salt % 50)).to_string().into(),
                TITLE => {
                    intent.title = true;
                    text("d")
                }
                _ if is_built_on(column) => {
                    let value = edited(column, shown, &token, lasting, u64::from(salt));
                    let (old, new) = (tokens(shown), tokens(&value));
                    let difference = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect();
                    let words = (column, difference(&new, &old), difference(&old, &new));
                    intent.words.push(words);
                    value
                }
                _ if salt.is_multiple_of(13) => "null".into(),
                // Some values are written by several: equal values are no conflict.
                _ if salt.is_multiple_of(5) => "\"same\"".into(),
                _ => text(COLUMNS[column].name),
            };
            patch.push((column, value));
        };
        let op = match (edit, &view) {
            (Edit::Insert, None) => Op::Insert,
            (Edit::Insert, Some(_)) | (Edit::Upsert, _) => Op::Upsert,
            (Edit::Update | Edit::Move | Edit::Refused, Some(_)) => Op::Update,
            (Edit::Delete, Some(_)) if !lasting => Op::Delete,
            _ => return,
        };
        match op {
            Op::Delete => {}
            _ if edit == Edit::Move => patch.push((TEAM, team)),
            _ => {
                if view.is_none() {
                    patch.push((TEAM, team));
                }
                for n in 0..=(salt / 3 % 3) {
                    let column = 1 + (salt as usize / 101 + n as usize * 3) % (COLUMNS.len() - 1);
                    if !patch.iter().any(|(other, _)| *other == column)
                        && (column != COMING || self.schema.added)
                    {
                        set(column, view.as_ref(), &mut patch);
                    }
                }
                if edit == Edit::Refused {
                    patch.retain(|(column, _)| *column != TITLE);
                    patch.push((TITLE, text("bad")));
                    intent.title = false;
                }
            }
        }
        patch.sort_by_key(|(column, _)| *column);
        if self.keeps_answers {
            self.answers.push(format!(
                "device {at} makes {seq}: {op:?} {key} {patch:?} {ties:?}"
            ));
        }
        device.record(op, &key, patch, &ties, lasting, self.now_ms);
        self.counts.mutations += 1;
        if let Some(group) = ties.group {
            self.counts.grouped += 1;
            self.groups.entry((at, group)).or_default().push(seq);
        }
        self.counts.required += ties.after.len() as u64;
        self.intents.insert((at, seq), intent);
    }

    /// A person does several things that belong together, maybe with another one in between.
    pub(super) fn edit_together(&mut self, at: usize, row: usize, count: usize, salt: u32) {
        let mut random = Random::new(u64::from(salt));
        let group = self.devices[at].last_seq + 1;
        let outer = if random.percent(15) {
            self.required(at, 1 + random.below(4) as usize)
        } else {
            Vec::new()
        };
        let mut next = row;
        for _ in 0..count {
            let edit = match random.below(100) {
                0..12 => Edit::Insert,
                12..74 => Edit::Update,
                74..84 => Edit::Upsert,
                84..92 => Edit::Delete,
                92..97 => Edit::Move,
                _ => Edit::Refused,
            };
            let mut ties = Ties {
                after: outer.clone(),
                group: Some(group),
            };
            let last = self.devices[at].last_seq;
            if random.percent(20) && last >= group {
                ties.after.push(last);
            }
            self.edit(at, next, edit, ties, random.draw() as u32);
            next = self.some_row(at, &mut random);
            if random.percent(10) {
                let alone = random.draw() as u32;
                self.edit(at, next, Edit::Update, Ties::default(), alone);
                next = self.some_row(at, &mut random);
            }
        }
    }

    /// Mostly a row that the person sees.
    fn some_row(&self, device: usize, random: &mut Random) -> usize {
        let any = random.below(self.shape.rows as u64) as usize;
        let sees = |row: &usize| {
            self.devices[device]
                .rows
                .contains_key(&self.names.rows[*row])
        };
        let rows = (any..self.shape.rows).chain(0..any);
        let seen = rows.into_iter().find(sees);
        seen.filter(|_| random.percent(85)).unwrap_or(any)
    }

    /// The mutations of a device that a new one requires: the one so many before it, if it made so many; 0 is none.
    pub(super) fn required(&self, device: usize, before: usize) -> Vec<u64> {
        let next = self.devices[device].last_seq + 1;
        let seq = next.checked_sub(before as u64);
        seq.filter(|seq| (1..next).contains(seq))
            .into_iter()
            .collect()
    }
}
