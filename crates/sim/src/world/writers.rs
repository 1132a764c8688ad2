//! Writers who do not use the API.

use super::World;
use crate::answer::{Change, Server};
use crate::step::Writing;
use crate::table::{BODY, DOC, EXTRA, LABELS, RANK, Raw, TAGS, TEAM, TITLE};
use crate::value::shared;

/// What a writer's open transaction adds to a lasting row.
pub(super) struct Pending {
    row: usize,
    likes: i64,
    best: i64,
    word: Option<(usize, String)>,
}

impl<S: Server> World<'_, S> {
    pub(super) fn write(&mut self, writer: usize, row: usize, writing: Writing, salt: u32) {
        // A writer would wait for the other one.
        if self.locks.get(&row).is_some_and(|holder| *holder != writer) {
            return;
        }
        let lasting = row < self.shape.lasting;
        let key = self.names.rows[row].clone();
        let team = self.names.teams[salt as usize % self.shape.teams].clone();
        self.writes += 1;
        let text = Raw::from(format!("\"w{}\"", self.writes));
        let (mut likes, mut best, mut word) = (0, 0, None);
        let change = match writing {
            Writing::Insert if lasting => return,
            Writing::Insert => Change::Insert(vec![(TEAM, team), (TITLE, text)]),
            Writing::Set => {
                let token = format!("w{}z", self.writes);
                match salt as usize % 12 {
                    kind @ 0..4 => Change::Set([TITLE, 5, 6, 7][kind], text),
                    4 => Change::Set(RANK, (salt / 12 % 1_000).to_string().into()),
                    kind @ 5..7 => {
                        Change::Remove([TAGS, LABELS][kind - 5], shared(salt / 12).to_owned())
                    }
                    7 => Change::Add(
                        [TAGS, LABELS][salt as usize / 12 % 2],
                        shared(salt / 24).to_owned(),
                    ),
                    kind => {
                        let column =
                            [TAGS, DOC, BODY, [LABELS, EXTRA][salt as usize / 12 % 2]][kind - 8];
                        word = Some((column, token.clone()));
                        Change::Add(column, token)
                    }
                }
            }
            Writing::Like => {
                likes = i64::from(salt % 4) + 1;
                Change::Like(likes)
            }
            Writing::Best => {
                best = i64::from(salt % 400);
                Change::Best(best)
            }
            Writing::Move => Change::Set(TEAM, team),
            Writing::Delete if lasting => return,
            Writing::Delete => Change::Delete,
        };
        if self.server.write(writer, &key, &change, self.now_ms) {
            self.locks.insert(row, writer);
            if lasting {
                self.pending[writer].push(Pending {
                    row,
                    likes,
                    best,
                    word,
                });
            }
        }
    }

    pub(super) fn end(&mut self, writer: usize, commit: bool) {
        self.server.end(writer, commit);
        self.locks.retain(|_, holder| *holder != writer);
        for pending in std::mem::take(&mut self.pending[writer]) {
            if commit {
                let row = pending.row;
                self.likes[row] += pending.likes;
                self.best[row] = self.best[row].max(pending.best);
                if let Some((column, word)) = pending.word {
                    self.words.entry((row, column)).or_default()[0].insert(word);
                }
            }
        }
    }
}
