//! Three-way merge of text: by lines, and by words where both sides changed the same lines.
//!
//! Edits that do not touch the same words both survive. Where they do, both stay, mine after theirs,
//! and the outcome is marked. The differences are found by imara-diff, whose heuristics keep its time
//! close to linear in the texts' length whatever they hold.

mod diff3;
mod tokens;

use super::contest::{Contest, Resolution};
use super::last_write_wins;
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
    let mut merged = TextMerge {
        text: String::with_capacity(mine.len().max(theirs.len())),
        overlap: false,
    };
    merge_pieces(
        tokens::lines,
        [base, mine, theirs],
        &mut merged,
        merge_words,
    );
    merged
}

/// Merges lines that both sides changed.
fn merge_words(texts: [&str; 3], merged: &mut TextMerge) {
    merge_pieces(tokens::words, texts, merged, keep_both);
}

/// Merges base, mine and theirs piece by piece; `settle` writes what becomes of pieces that both sides changed.
fn merge_pieces(
    cut: fn(&str) -> Vec<&str>,
    [base, mine, theirs]: [&str; 3],
    merged: &mut TextMerge,
    settle: fn([&str; 3], &mut TextMerge),
) {
    let texts = diff3::Texts {
        base: cut(base),
        mine: cut(mine),
        theirs: cut(theirs),
    };
    for region in texts.regions() {
        match region {
            diff3::Region::Settled(pieces) => merged.text.extend(pieces.iter().copied()),
            diff3::Region::Both { base, mine, theirs } => {
                let [base, mine, theirs] = [base, mine, theirs].map(<[&str]>::concat);
                settle([&base, &mine, &theirs], merged);
            }
        }
    }
}

/// Theirs, then mine. Two words do not become one, nor two lines.
fn keep_both([_, mine, theirs]: [&str; 3], merged: &mut TextMerge) {
    merged.text.push_str(theirs);
    if mine.is_empty() || mine == theirs {
        return;
    }
    let joins = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
    if joins(theirs.chars().next_back()) && joins(mine.chars().next()) {
        let lines = mine.contains('\n') || theirs.contains('\n');
        merged.text.push(if lines { '\n' } else { ' ' });
    }
    merged.text.push_str(mine);
    merged.overlap |= !theirs.is_empty();
}

pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    let text = json::string_text;
    let (mine, theirs) = match (text(contest.mine), text(contest.theirs)) {
        (Some(mine), Some(theirs)) => (mine, theirs),
        // Emptied on one side, changed on the other: what a person wrote stays.
        (Some(_), None) if contest.theirs == "null" => return Resolution::Mine,
        (None, Some(_)) if contest.mine == "null" => return Resolution::Theirs,
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
