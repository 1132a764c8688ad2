//! Which parts of three texts were changed by whom.

use std::ops::Range;

use imara_diff::{Interner, Token};

use super::differences::{Change, differences};

/// Three texts in pieces.
pub(super) struct Texts<'a> {
    pub base: Vec<&'a str>,
    pub mine: Vec<&'a str>,
    pub theirs: Vec<&'a str>,
    /// Whether changes on both sides of an unchanged piece are one.
    pub binds: fn(&str) -> bool,
}

/// A part of the result.
pub(super) enum Region<'t, 'a> {
    /// Unchanged, or changed by one side, or alike by both.
    Settled(&'t [&'a str]),
    /// Changed by both, differently.
    Both(Both<'t, 'a>),
}

/// What both changed, differently.
pub(super) struct Both<'t, 'a> {
    pub base: &'t [&'a str],
    pub mine: &'t [&'a str],
    pub theirs: &'t [&'a str],
    /// What each change put there, by its place in the base; theirs first at the same place, alike ones once.
    pub written: Vec<&'t [&'a str]>,
}

impl Change {
    /// Whether the two touch the same pieces, or insert at the same place.
    fn meets(&self, other: &Range<usize>) -> bool {
        let same_place = self.base.start == other.start && self.base.end == other.end;
        same_place || (self.base.start < other.end && other.start < self.base.end)
    }
}

impl<'a> Texts<'a> {
    /// The result's parts in order.
    pub(super) fn regions(&self) -> Vec<Region<'_, 'a>> {
        let [mine, theirs] = self.changes();
        let (mut mine, mut theirs) = (Walk::new(&mine), Walk::new(&theirs));
        let mut regions = Vec::new();
        let mut at = 0;
        loop {
            let first = match (mine.next(), theirs.next()) {
                (None, None) => break,
                (Some(change), None) | (None, Some(change)) => change,
                (Some(a), Some(b)) if comes_first(a, b) => a,
                (Some(_), Some(b)) => b,
            };
            let mut span = first.base.clone();
            // All changes that hang together, of both sides.
            let (from_mine, from_theirs) = (mine.at, theirs.at);
            while mine.take_meeting(&mut span) || theirs.take_meeting(&mut span) {}
            regions.push(Region::Settled(&self.base[at..span.start]));
            at = span.end;
            let mine_now = &self.mine[mine.side_of(&span, from_mine)];
            let theirs_now = &self.theirs[theirs.side_of(&span, from_theirs)];
            let (by_me, by_them) = (mine.at > from_mine, theirs.at > from_theirs);
            regions.push(match (by_me, by_them) {
                (true, true) if mine_now != theirs_now => Region::Both(Both {
                    base: &self.base[span],
                    mine: mine_now,
                    theirs: theirs_now,
                    written: self.written(mine.since(from_mine), theirs.since(from_theirs)),
                }),
                (true, _) => Region::Settled(mine_now),
                (false, _) => Region::Settled(theirs_now),
            });
        }
        regions.push(Region::Settled(&self.base[at..]));
        regions
    }

    fn written(&self, mine: &[Change], theirs: &[Change]) -> Vec<&[&'a str]> {
        let theirs = theirs
            .iter()
            .map(|change| (change.base.clone(), &self.theirs[change.side.clone()]));
        let mine = mine
            .iter()
            .map(|change| (change.base.clone(), &self.mine[change.side.clone()]));
        let mut written: Vec<(Range<usize>, &[&'a str])> = theirs.chain(mine).collect();
        written.sort_by_key(|(base, _)| base.start);
        written.dedup();
        written.into_iter().map(|(_, text)| text).collect()
    }

    fn bind(&self, unchanged: Range<usize>) -> bool {
        self.base[unchanged].iter().all(|piece| (self.binds)(piece))
    }

    /// The changes of mine and of theirs.
    fn changes(&self) -> [Vec<Change>; 2] {
        let capacity = self.base.len() + self.mine.len() + self.theirs.len();
        let mut interner = Interner::new(capacity);
        let mut intern = |pieces: &[&'a str]| -> Vec<Token> {
            pieces.iter().map(|piece| interner.intern(*piece)).collect()
        };
        let base = intern(&self.base);
        let sides = [intern(&self.mine), intern(&self.theirs)];
        let tokens = interner.num_tokens();
        sides.map(|side| {
            let mut changes: Vec<Change> = Vec::new();
            for next in differences(&base, &side, tokens) {
                match changes.last_mut() {
                    Some(last) if self.bind(last.base.end..next.base.start) => {
                        (last.base.end, last.side.end) = (next.base.end, next.side.end);
                    }
                    _ => changes.push(next),
                }
            }
            changes
        })
    }
}

/// Insertions come before what is changed behind them.
fn comes_first(a: &Change, b: &Change) -> bool {
    (a.base.start, a.base.end) <= (b.base.start, b.base.end)
}

/// The changes of one side, and how far they were taken.
struct Walk<'c> {
    changes: &'c [Change],
    at: usize,
}

impl<'c> Walk<'c> {
    fn new(changes: &'c [Change]) -> Walk<'c> {
        Walk { changes, at: 0 }
    }

    fn next(&self) -> Option<&'c Change> {
        self.changes.get(self.at)
    }

    /// The changes taken from that on.
    fn since(&self, from: usize) -> &'c [Change] {
        &self.changes[from..self.at]
    }

    /// Takes the next change if it meets the span, which then covers it too.
    fn take_meeting(&mut self, span: &mut Range<usize>) -> bool {
        let Some(change) = self.next().filter(|change| change.meets(span)) else {
            return false;
        };
        span.start = span.start.min(change.base.start);
        span.end = span.end.max(change.base.end);
        self.at += 1;
        true
    }

    /// What stands on this side in place of a span of the base, of which the changes from `from` were taken.
    fn side_of(&self, span: &Range<usize>, from: usize) -> Range<usize> {
        let before = |at: usize| at.checked_sub(1).map(|last| &self.changes[last]);
        // Between changes both sides run in step: an offset leads from one to the other.
        let place = |position: usize, last: Option<&Change>| match last {
            Some(change) => change.side.end + (position - change.base.end),
            None => position,
        };
        place(span.start, before(from))..place(span.end, before(self.at))
    }
}
