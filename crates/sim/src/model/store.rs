//! What change capture does to a row that is written: stamps, history, departures (sql/055_capture.sql).

use super::{Departure, Model, Past, Stamp, State, Stored, Title, Transaction};
use crate::answer::Change;
use crate::table::{
    BEST, COLUMNS, Kind, LIKES, Raw, Row, TEAM, TITLE, defaults, laid_over, number,
};
use crate::value::{canonical, elements, with_added, without};

/// A row as a transaction leaves it.
pub(super) struct Effect {
    pub key: Raw,
    pub stored: Stored,
    /// Else the row is only locked.
    pub writes: bool,
    pub left: Option<(Raw, Departure)>,
    pub title: Option<Title>,
}

/// Who writes, as capture learns it from the push context.
#[derive(Clone, Copy)]
pub(super) struct Author {
    pub device: Option<(usize, u64)>,
    pub hlc: u64,
    pub resurrects: bool,
}

/// The columns that are sets.
pub(super) fn sets() -> impl Iterator<Item = usize> {
    (0..COLUMNS.len()).filter(|at| COLUMNS[*at].kind == Kind::Array)
}

impl Model {
    /// The row after a write; `None` where nothing changes.
    pub(super) fn capture(
        &mut self,
        key: &Raw,
        before: &Stored,
        row: Option<Row>,
        patched: &[usize],
        author: Author,
        xid: u64,
    ) -> Option<Effect> {
        let mut changed: Vec<usize> = match (&before.row, &row) {
            (Some(old), Some(new)) => (0..new.len()).filter(|at| old[*at] != new[*at]).collect(),
            (None, None) => return None,
            _ => Vec::new(),
        };
        if before.row.is_some() && row.is_some() && changed.is_empty() {
            return None;
        }
        let version = self.next_version;
        self.next_version += 1;
        let born = before.row.is_none() && !author.resurrects;
        let gone = row.is_none();
        let old = match &before.row {
            Some(old) if gone => old.iter().cloned().enumerate().collect(),
            Some(old) => changed.iter().map(|at| (*at, old[*at].clone())).collect(),
            None => Vec::new(),
        };
        if before.row.is_none() && author.resurrects {
            changed = patched.to_vec();
        }
        let device = author.device.map(|(device, _)| device);
        let known = before.state.as_ref();
        let raise = |seen: u64| match author.device {
            None if !self.faults.clock_not_raised => author.hlc.max(seen + 1),
            _ => author.hlc,
        };
        let seen = known.map_or(0, |state| state.hlc);
        let own = known.map_or(author.hlc, |_| raise(seen));
        let stamp = Stamp {
            version,
            hlc: own,
            device,
        };
        let scope = match (&row, &before.row) {
            (Some(row), _) | (None, Some(row)) => row[TEAM].clone(),
            (None, None) => return None,
        };
        let mut clocks = known.map_or_else(Vec::new, |state| state.clocks.clone());
        if born {
            clocks.clear();
        } else if !gone {
            for at in &changed {
                clocks.retain(|(other, _)| other != at);
                clocks.push((*at, stamp));
            }
        }
        let state = State {
            scope: scope.clone(),
            version,
            xid,
            deleted: gone,
            hlc: own.max(seen),
            device,
            seq: author.device.map_or(0, |(_, seq)| seq),
            life: if born {
                stamp
            } else {
                known.map(|state| state.life).unwrap_or_default()
            },
            clocks,
        };
        let left = known.filter(|state| state.scope != scope && !self.faults.departure_forgotten);
        let left = left.map(|state| (state.scope.clone(), Departure { version, xid }));
        let title = row.as_ref().filter(|_| born || changed.contains(&TITLE));
        let title = title.map(|row| (own, device, row[TITLE].clone()));
        let mut history = before.history.clone();
        history.push(Past {
            version,
            hlc: own,
            op: match (&before.row, gone) {
                (_, true) => 'd',
                (Some(_), false) => 'u',
                (None, false) if author.resurrects => 'r',
                (None, false) => 'i',
            },
            device: author.device,
            old,
        });
        Some(Effect {
            key: key.clone(),
            stored: Stored {
                row,
                state: Some(state),
                history,
            },
            writes: true,
            left,
            title,
        })
    }

    /// Makes an effect visible.
    pub(super) fn settle(&mut self, effect: Effect) {
        if !effect.writes {
            return;
        }
        if let Some(new) = &effect.stored.state {
            let old = self
                .rows
                .get(&effect.key)
                .and_then(|stored| stored.state.as_ref());
            if let Some(old) = old {
                let (from, to) = (old.version, new.version);
                if to <= from {
                    self.blame(format!("{} goes from version {from} to {to}", effect.key));
                } else if new.hlc < old.hlc {
                    let (from, to) = (old.hlc, new.hlc);
                    self.blame(format!(
                        "the clock of {} goes from {from} back to {to}",
                        effect.key
                    ));
                } else if let Some(at) = old.clocks.iter().find_map(|(at, stamp)| {
                    // An edit on top of a deleted row is taken whatever its clock.
                    let same_life = new.life == old.life && !old.deleted;
                    let later = new.clocks.iter().find(|(other, _)| other == at);
                    let back = later.is_some_and(|(_, later)| {
                        (later.hlc, later.device.map(|at| &self.devices[at].id))
                            < (stamp.hlc, stamp.device.map(|at| &self.devices[at].id))
                    });
                    let by_clock = self.schema.policy(*at) == "last_write_wins";
                    (same_life && back && by_clock).then_some(*at)
                }) {
                    self.blame(format!(
                        "the clock of column {at} of {} goes back",
                        effect.key
                    ));
                }
            }
        }
        if let Some((scope, departure)) = effect.left {
            self.departures
                .insert((effect.key.clone(), scope), departure);
        }
        if let Some(title) = effect.title {
            self.account_title(&effect.key, title);
        }
        let author = effect.stored.history.last();
        if author.is_some_and(|past| past.device.is_none()) {
            self.account_write(&effect.key, &effect.stored);
        }
        self.put(effect.key, effect.stored);
    }

    /// What a writer makes of sets: it sees what there is.
    fn account_write(&mut self, key: &Raw, stored: &Stored) {
        let (Some(row), Some(state)) = (&stored.row, &stored.state) else {
            return;
        };
        for column in sets() {
            let now = elements(&row[column]);
            let known = self.sets.entry((key.clone(), column)).or_default();
            known.retain(|element, _| now.contains(element));
            for element in now {
                known.entry(element).or_insert((state.version, None));
            }
        }
    }

    /// What a device's edit makes of a set: it removes the additions that it had seen, and adds what is not there.
    pub(super) fn account_set(
        &mut self,
        place: (Raw, usize),
        (before, mine): (&str, &str),
        base: Option<i64>,
        (version, device): (i64, usize),
    ) {
        let (before, mine) = (elements(before), elements(mine));
        let known = self.sets.entry(place).or_default();
        known.retain(|element, (added, by)| {
            let removes = before.contains(element) && !mine.contains(element);
            let seen = base.is_some_and(|base| *added <= base) || *by == Some(device);
            !(removes && seen)
        });
        for element in mine.into_iter().filter(|element| !before.contains(element)) {
            known.entry(element).or_insert((version, Some(device)));
        }
    }

    pub(super) fn account_title(&mut self, key: &Raw, title: Title) {
        let id = |device: Option<usize>| device.map(|at| self.devices[at].id.as_str());
        let later = self
            .titles
            .get(key)
            .is_none_or(|known| (title.0, id(title.1)) >= (known.0, id(known.1)));
        if later {
            self.titles.insert(key.clone(), title);
        }
    }

    pub(super) fn put(&mut self, key: Raw, stored: Stored) {
        let place = |key: &Raw, stored: &Stored| {
            let state = stored.state.as_ref()?;
            Some((state.scope.clone(), state.xid, state.version, key.clone()))
        };
        if let Some(place) = self.rows.get(&key).and_then(|old| place(&key, old)) {
            self.feed.remove(&place);
        }
        if let Some(place) = place(&key, &stored) {
            self.feed.insert(place);
        }
        self.rows.insert(key, stored);
    }

    pub(super) fn take_xid(&mut self) -> u64 {
        self.next_xid += 1;
        self.next_xid - 1
    }

    /// A statement of a writer.
    pub(super) fn write_open(
        &mut self,
        writer: usize,
        key: &Raw,
        change: &Change,
        now_ms: u64,
    ) -> bool {
        if !self.open.contains_key(&writer) {
            let xid = self.take_xid();
            let transaction = Transaction {
                xid,
                effects: Vec::new(),
            };
            self.open.insert(writer, transaction);
        }
        let transaction = &self.open[&writer];
        let xid = transaction.xid;
        let pending = transaction
            .effects
            .iter()
            .rfind(|effect| effect.key == *key);
        let before = pending.map(|effect| effect.stored.clone());
        let before = before
            .or_else(|| self.rows.get(key).cloned())
            .unwrap_or_default();
        let row = match (change, before.row.clone()) {
            (Change::Insert(values), None) => Some(laid_over(defaults(), values)),
            (Change::Insert(_), Some(_)) | (_, None) => return false,
            (Change::Delete, Some(_)) => None,
            (Change::Set(at, raw), Some(mut row)) => {
                row[*at] = canonical(raw);
                Some(row)
            }
            (Change::Add(at, word), Some(mut row)) => {
                row[*at] = with_added(*at, &row[*at], word);
                Some(row)
            }
            (Change::Remove(at, word), Some(mut row)) => {
                row[*at] = without(&row[*at], word);
                Some(row)
            }
            (Change::Like(more), Some(mut row)) => {
                row[LIKES] = (number(&row[LIKES]) + more).to_string().into();
                Some(row)
            }
            (Change::Best(offer), Some(mut row)) => {
                row[BEST] = number(&row[BEST]).max(*offer).to_string().into();
                Some(row)
            }
        };
        let author = Author {
            device: None,
            hlc: now_ms << 16,
            resurrects: false,
        };
        let effect = self.capture(key, &before, row, &[], author, xid);
        // A write that changes nothing locks the row all the same.
        let effect = effect.unwrap_or_else(|| Effect {
            key: key.clone(),
            stored: before,
            writes: false,
            left: None,
            title: None,
        });
        if let Some(transaction) = self.open.get_mut(&writer) {
            transaction.effects.push(effect);
        }
        true
    }
}
