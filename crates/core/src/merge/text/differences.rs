//! Where two lists of tokens differ, by imara-diff.
//!
//! Before it compares, imara-diff looks back from each token that is common in the other list to the last one that is there
//! but rare; and where lists of common tokens are unlike, it searches long. Lists of hardly anything but common tokens would
//! cost it the square of their length. They are compared phrase by phrase, and token by token where few phrases changed.

use std::collections::HashMap;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, Token};

/// A stretch of one list that became a stretch of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub base: Range<usize>,
    pub side: Range<usize>,
}

/// Steps back beyond which lists are compared by phrases: some milliseconds.
const STEPS_MAX: usize = 1 << 23;

/// Tokens of both lists up to which changed phrases are compared token by token.
const DETAIL_MAX: usize = 2_000;

/// What became of `base`; both hold tokens below `tokens`.
pub(super) fn differences(base: &[Token], side: &[Token], tokens: u32) -> Vec<Change> {
    let mut changes = Vec::new();
    let all = Change {
        base: 0..base.len(),
        side: 0..side.len(),
    };
    let Some(unlike) = without_ends(base, side, &all) else {
        return changes;
    };
    let (base_part, side_part) = (&base[unlike.base.clone()], &side[unlike.side.clone()]);
    let steps = steps_back(base_part, side_part, tokens) + steps_back(side_part, base_part, tokens);
    if steps > STEPS_MAX {
        compare_phrases(base, side, &unlike, &mut changes);
    } else {
        compare(base, side, &unlike, &mut changes);
    }
    changes
}

/// What is left of two stretches without what they begin and end with alike.
fn without_ends(base: &[Token], side: &[Token], within: &Change) -> Option<Change> {
    let (b, s) = (&base[within.base.clone()], &side[within.side.clone()]);
    let start = b.iter().zip(s).take_while(|(b, s)| b == s).count();
    let ends = b[start..].iter().rev().zip(s[start..].iter().rev());
    let end = ends.take_while(|(b, s)| b == s).count();
    let unlike = Change {
        base: within.base.start + start..within.base.end - end,
        side: within.side.start + start..within.side.end - end,
    };
    (!unlike.base.is_empty() || !unlike.side.is_empty()).then_some(unlike)
}

fn hunks(base: &[Token], side: &[Token]) -> Vec<Hunk> {
    let mut diff = Diff::default();
    // Not the histogram: where lines repeat it gives up early, and whole regions would count as changed.
    diff.compute_with(Algorithm::Myers, base, side, 0);
    diff.hunks().collect()
}

fn compare(base: &[Token], side: &[Token], within: &Change, changes: &mut Vec<Change>) {
    let place =
        |range: Range<u32>, from: usize| from + range.start as usize..from + range.end as usize;
    let change = |hunk: Hunk| Change {
        base: place(hunk.before, within.base.start),
        side: place(hunk.after, within.side.start),
    };
    let found = hunks(&base[within.base.clone()], &side[within.side.clone()]);
    changes.extend(found.into_iter().map(change));
}

/// How far imara-diff looks back from all tokens of `list` together.
fn steps_back(list: &[Token], other: &[Token], tokens: u32) -> usize {
    if list.len().saturating_mul(list.len()) <= STEPS_MAX {
        return 0;
    }
    let mut occurrences = vec![0_usize; tokens as usize];
    for token in other {
        occurrences[token.0 as usize] += 1;
    }
    // Its measure of "common": about the square root.
    let common = 1 << ((usize::BITS - list.len().leading_zeros()) / 2).min(10);
    let mut rare = 0;
    let mut steps = 0;
    for (at, token) in list.iter().enumerate() {
        match occurrences[token.0 as usize] {
            0 => {}
            count if count < common => rare = at,
            _ => steps += at - rare,
        }
    }
    steps
}

fn compare_phrases(base: &[Token], side: &[Token], within: &Change, changes: &mut Vec<Change>) {
    let mut known: HashMap<&[Token], u32> = HashMap::new();
    let mut numbers = |phrases: &[Range<usize>], list| -> Vec<Token> {
        let number = |phrase: &Range<usize>| {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            Token(
                *known
                    .entry(&<[Token]>::as_ref(list)[phrase.clone()])
                    .or_insert(next),
            )
        };
        phrases.iter().map(number).collect()
    };
    let in_base = phrases(base, &within.base);
    let in_side = phrases(side, &within.side);
    let (base_numbers, side_numbers) = (numbers(&in_base, base), numbers(&in_side, side));
    let place = |range: Range<u32>, phrases: &[Range<usize>], end: usize| {
        let start = |at: u32| phrases.get(at as usize).map_or(end, |phrase| phrase.start);
        start(range.start)..start(range.end)
    };
    for hunk in hunks(&base_numbers, &side_numbers) {
        let region = Change {
            base: place(hunk.before, &in_base, within.base.end),
            side: place(hunk.after, &in_side, within.side.end),
        };
        let Some(unlike) = without_ends(base, side, &region) else {
            continue;
        };
        if unlike.base.len() + unlike.side.len() <= DETAIL_MAX {
            compare(base, side, &unlike, changes);
        } else {
            changes.push(unlike);
        }
    }
}

/// Stretches of a list that end where certain tokens stand, so that equal parts of two lists are cut alike.
fn phrases(list: &[Token], within: &Range<usize>) -> Vec<Range<usize>> {
    const SEEN: usize = 32;
    const LENGTH_MAX: usize = 256;
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let leaving = (0..SEEN).fold(1_u64, |power, _| power.wrapping_mul(FACTOR));
    let value = |at: usize| u64::from(list[at].0) + 1;
    let mut phrases = Vec::new();
    let (mut start, mut seen) = (within.start, 0_u64);
    for at in within.clone() {
        seen = seen.wrapping_mul(FACTOR).wrapping_add(value(at));
        if at - within.start >= SEEN {
            seen = seen.wrapping_sub(leaving.wrapping_mul(value(at - SEEN)));
        }
        let length = at + 1 - start;
        // One place in 64.
        let ends = length >= SEEN && (seen ^ (seen >> 32)).wrapping_mul(FACTOR) >> 58 == 0;
        if ends || length == LENGTH_MAX {
            phrases.push(start..at + 1);
            start = at + 1;
        }
    }
    if start < within.end {
        phrases.push(start..within.end);
    }
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(mut state: u64, count: usize, kinds: u64) -> Vec<Token> {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            Token(((state >> 33) % kinds) as u32)
        };
        (0..count).map(|_| next()).collect()
    }

    fn all(base: &[Token], side: &[Token]) -> Change {
        Change {
            base: 0..base.len(),
            side: 0..side.len(),
        }
    }

    fn apply(base: &[Token], side: &[Token], changes: &[Change]) -> Vec<Token> {
        let mut out = Vec::new();
        let (mut at, mut at_side) = (0, 0);
        for change in changes {
            assert!(!change.base.is_empty() || !change.side.is_empty());
            let kept = &base[at..change.base.start];
            assert_eq!(kept, &side[at_side..change.side.start]);
            out.extend_from_slice(kept);
            out.extend_from_slice(&side[change.side.clone()]);
            (at, at_side) = (change.base.end, change.side.end);
        }
        out.extend_from_slice(&base[at..]);
        out
    }

    #[test]
    fn changes_lead_from_one_list_to_the_other() {
        let sizes = [(0, 2), (1, 1), (32, 2), (33, 3), (256, 1), (5_003, 2)];
        for (count, kinds) in sizes {
            for other in [0, 1, 256, 1_000, count] {
                let (base, side) = (words(1, count, kinds), words(2, other, kinds));
                let mut by_phrases = Vec::new();
                compare_phrases(&base, &side, &all(&base, &side), &mut by_phrases);
                for changes in [by_phrases, differences(&base, &side, kinds as u32)] {
                    assert_eq!(apply(&base, &side, &changes), side, "{count} {other}");
                }
            }
        }
    }

    #[test]
    fn phrases_leave_an_edit_where_it_is() {
        let base = words(1, 20_000, 2);
        let mut side = base.clone();
        for at in [15_001, 9_000, 501] {
            side.splice(at..at, [Token(2), Token(3)]);
        }
        let (mut by_phrases, mut by_tokens) = (Vec::new(), Vec::new());
        compare_phrases(&base, &side, &all(&base, &side), &mut by_phrases);
        compare(&base, &side, &all(&base, &side), &mut by_tokens);
        assert_eq!(by_phrases, by_tokens);
        assert_eq!(by_phrases.len(), 3);
    }

    #[test]
    fn the_work_for_common_words_grows_with_their_number() {
        let (base, side) = (words(1, 1_000_000, 2), words(2, 1_000_000, 2));
        let changes = differences(&base, &side, 2);
        assert_eq!(apply(&base, &side, &changes), side);
    }
}
