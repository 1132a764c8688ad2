//! Three-way merge of text: by lines, and by words where both sides changed the same lines.
//!
//! Edits that do not touch the same words both survive. Where they do, both stay, mine after theirs,
//! and the outcome is marked. The differences are found by imara-diff, whose heuristics keep its time
//! close to linear in the texts' length, but for texts of hardly anything but common words, which are compared by phrases.

mod diff3;
mod differences;
mod tokens;

use diff3::{Both, Region, Texts};

use super::contest::{Contest, Resolution};
use super::last_write_wins;
use super::same::same_json;
use crate::json;

/// A merged text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMerge {
    /// The text.
    pub text: String,
    /// Whether both sides changed the same words, so that both stand there.
    pub overlap: bool,
}

/// Merges two texts that come from `base`.
#[must_use]
pub fn merge_text(base: &str, mine: &str, theirs: &str) -> TextMerge {
    let whole = |text: &str| TextMerge {
        text: text.to_owned(),
        overlap: false,
    };
    if mine == theirs || base == mine {
        return whole(theirs);
    }
    if base == theirs {
        return whole(mine);
    }
    // Emptied on one side, changed on the other: what a person wrote stays.
    if mine.is_empty() || theirs.is_empty() {
        return whole(if mine.is_empty() { theirs } else { mine });
    }
    let mut merged = TextMerge {
        text: String::with_capacity(mine.len().max(theirs.len())),
        overlap: false,
    };
    for region in cut(tokens::lines, |_| false, [base, mine, theirs]).regions() {
        match region {
            Region::Settled(lines) => merged.text.extend(lines.iter().copied()),
            Region::Both(both) => {
                let texts = [both.base, both.mine, both.theirs].map(<[&str]>::concat);
                merge_words(texts.each_ref().map(String::as_str), &mut merged);
            }
        }
    }
    merged
}

/// Merges lines that both sides changed.
fn merge_words(texts: [&str; 3], merged: &mut TextMerge) {
    for region in cut(tokens::words, tokens::is_space, texts).regions() {
        match region {
            Region::Settled(words) => merged.text.extend(words.iter().copied()),
            Region::Both(both) => keep_both(&both, merged),
        }
    }
}

fn cut<'a>(
    pieces: fn(&str) -> Vec<&str>,
    binds: fn(&str) -> bool,
    [base, mine, theirs]: [&'a str; 3],
) -> Texts<'a> {
    Texts {
        base: pieces(base),
        mine: pieces(mine),
        theirs: pieces(theirs),
        binds,
    }
}

/// What both wrote, in the order of the places; the words that it replaced go. Where one side only took words away, what the
/// other made of them stays whole. Two words do not become one, nor two lines.
fn keep_both(both: &Both<'_, '_>, merged: &mut TextMerge) {
    let blank = |pieces: &[&str]| pieces.iter().all(|piece| tokens::is_space(piece));
    if blank(both.mine) || blank(both.theirs) {
        let kept = if blank(both.theirs) {
            both.mine
        } else {
            both.theirs
        };
        merged.text.extend(kept.iter().copied());
        return;
    }
    let lines = both.written.iter().any(|text| text.contains(&"\n"));
    let mut some = false;
    for (at, text) in both.written.iter().enumerate() {
        if blank(text) {
            continue;
        }
        // The first change stands where it stood; what is put behind another one has lost its neighbours.
        if at > 0 {
            part(&mut merged.text, text, if lines { '\n' } else { ' ' });
        }
        merged.text.extend(text.iter().copied());
        merged.overlap |= some;
        some = true;
    }
    let ends = [both.theirs, both.mine];
    let end = ends
        .iter()
        .filter_map(|side| side.last())
        .find(|end| end.trim().is_empty());
    if let Some(end) = end.filter(|_| !merged.text.ends_with(char::is_whitespace)) {
        merged.text.push_str(end);
    }
}

/// One space, or what else parts, before `next`.
fn part(text: &mut String, next: &[&str], by: char) {
    let spaced = next
        .first()
        .is_some_and(|piece| piece.starts_with(char::is_whitespace));
    if spaced && text.ends_with(' ') {
        text.pop();
    } else if !spaced && !text.is_empty() && !text.ends_with(char::is_whitespace) {
        text.push(by);
    }
}

pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    let text = json::string_text;
    let unchanged = |side| contest.base.is_some_and(|base| same_json(base, side));
    let (mine, theirs) = match (text(contest.mine), text(contest.theirs)) {
        (Some(mine), Some(theirs)) => (mine, theirs),
        // Emptied on one side, changed on the other: what a person wrote stays.
        (Some(_), None) if contest.theirs == "null" && !unchanged(contest.mine) => {
            return Resolution::Mine;
        }
        (None, Some(_)) if contest.mine == "null" && !unchanged(contest.theirs) => {
            return Resolution::Theirs;
        }
        _ if unchanged(contest.theirs) => return Resolution::Mine,
        _ if unchanged(contest.mine) => return Resolution::Theirs,
        _ => return last_write_wins::resolve(contest),
    };
    let base = match contest.base {
        Some("null") => Some("".into()),
        Some(base) => text(base),
        None => None,
    };
    let Some(base) = base else {
        // Nothing tells an edit from what was there: only a text that holds the other whole is surely later.
        return if mine.contains(theirs.as_ref()) {
            Resolution::Mine
        } else if theirs.contains(mine.as_ref()) {
            Resolution::Theirs
        } else {
            last_write_wins::resolve(contest)
        };
    };
    let TextMerge { text, overlap } = merge_text(&base, &mine, &theirs);
    if text == theirs {
        return Resolution::Theirs;
    }
    let quoted = json::quoted(&text);
    if overlap {
        Resolution::Overlapping(quoted)
    } else {
        Resolution::Merged(quoted)
    }
}
