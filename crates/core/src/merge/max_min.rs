//! The larger or the smaller value.
//!
//! False is less than true. All other values that can be compared are in one total order: `"-Infinity"`, then numbers and
//! numeric strings by value, dates and times by value, then other strings by bytes. Equal numbers or times written differently are
//! ordered by their text, so that the result never depends on who came first. Null gives way to anything.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::contest::{Contest, Resolution};
use super::moment;
use super::number::{self, Number};

pub(super) fn resolve_max(contest: &Contest<'_>) -> Resolution {
    resolve(contest, Ordering::Greater)
}

pub(super) fn resolve_min(contest: &Contest<'_>) -> Resolution {
    resolve(contest, Ordering::Less)
}

fn resolve(contest: &Contest<'_>, mine_wins: Ordering) -> Resolution {
    if contest.mine == "null" {
        return Resolution::Theirs;
    }
    let Some(mine) = Rank::of(contest.mine) else {
        return Resolution::Manual;
    };
    if contest.theirs == "null" {
        return Resolution::Mine;
    }
    match Rank::of(contest.theirs) {
        None => Resolution::Manual,
        Some(theirs) if mine.is_truth() != theirs.is_truth() => Resolution::Manual,
        Some(theirs) if mine.cmp(&theirs) != mine_wins => Resolution::Theirs,
        Some(_) => in_their_kind(contest),
    }
}

/// Mine, turned into a string or a number where theirs is one.
fn in_their_kind(contest: &Contest<'_>) -> Resolution {
    let text = number::unquoted(contest.mine);
    let is_number = Number::parse(&text).is_some();
    if contest.mine.starts_with('"') == contest.theirs.starts_with('"') || !is_number {
        return Resolution::Mine;
    }
    Resolution::Merged(number::in_kind_of(contest.theirs, &text))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank<'a> {
    Truth(bool),
    Lowest,
    Number(Number<'static>, Cow<'a, str>),
    Moment((i64, i64), Cow<'a, str>),
    Text(Cow<'a, str>),
}

impl<'a> Rank<'a> {
    fn is_truth(&self) -> bool {
        matches!(self, Rank::Truth(_))
    }

    fn of(raw: &'a str) -> Option<Rank<'a>> {
        let text = number::unquoted(raw);
        if let Some(number) = Number::parse(&text).map(Number::into_owned) {
            return Some(Rank::Number(number, text));
        }
        if !raw.starts_with('"') {
            return raw.parse().ok().map(Rank::Truth);
        }
        Some(if text.eq_ignore_ascii_case("-infinity") {
            Rank::Lowest
        } else if let Some(moment) = moment::moment(&text) {
            Rank::Moment(moment, text)
        } else {
            Rank::Text(text)
        })
    }
}
