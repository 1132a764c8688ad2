//! Sets as JSON arrays: what either side added, without what either side removed.

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::contest::{Contest, Resolution};
use super::last_write_wins;
use super::number::Number;
use super::trail::{Step, object};
use crate::json;

/// Nesting beyond which elements are told apart by their text.
const DEPTH_MAX: usize = 128;

pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    let (base, steps, device) = (contest.base, contest.trail, contest.my_device);
    match merge(base, contest.mine, contest.theirs, steps, device) {
        Some(merged) => Resolution::Merged(merged),
        None => last_write_wins::resolve(contest),
    }
}

/// Merges two arrays; a null is an empty one, `None` where one is neither.
///
/// Without a base nothing counts as removed. An element that another device added since the base, were
/// it there before or not, stays: adding wins over a removal that did not see it. The order is theirs,
/// then what is new in mine.
pub(super) fn merge(
    base: Option<&str>,
    mine: &str,
    theirs: &str,
    steps: &[Step<'_>],
    device: &str,
) -> Option<String> {
    let base = elements(base.unwrap_or("[]")).unwrap_or_default();
    let (mine, theirs) = (elements(mine)?, elements(theirs)?);
    let identities = |list: &[&RawValue]| -> HashSet<String> {
        list.iter().map(|element| identity(element.get())).collect()
    };
    let (base_ids, mine_ids, theirs_ids) =
        (identities(&base), identities(&mine), identities(&theirs));
    let mut added = HashSet::new();
    let read = |raw: Option<&str>| {
        let list = elements(raw.unwrap_or("[]")).unwrap_or_default();
        identities(&list)
    };
    let mut last: Option<(Option<&str>, HashSet<String>)> = None;
    for step in steps {
        let old = match last {
            Some((raw, found)) if raw == step.old => found,
            _ => read(step.old),
        };
        let new = read(step.new);
        // An addition that went again protects nothing.
        added.retain(|id| new.contains(id));
        if !step.is_by(device) {
            added.extend(new.iter().filter(|id| !old.contains(*id)).cloned());
        }
        last = Some((step.new, new));
    }
    let stays = |id: &String| mine_ids.contains(id) || !base_ids.contains(id) || added.contains(id);
    let mut out = String::from("[");
    let mut push = |element: &RawValue| {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(element.get());
    };
    for element in theirs {
        if stays(&identity(element.get())) {
            push(element);
        }
    }
    let mut new_ids = HashSet::new();
    for element in mine {
        let id = identity(element.get());
        if !theirs_ids.contains(&id) && !base_ids.contains(&id) && new_ids.insert(id) {
            push(element);
        }
    }
    out.push(']');
    Some(out)
}

/// Whether it is an array, every element of it a scalar.
pub(super) fn is_of_scalars(raw: &str) -> bool {
    raw.starts_with('[')
        && elements(raw).is_some_and(|list| {
            list.iter()
                .all(|element| !element.get().starts_with(['[', '{']))
        })
}

fn elements(raw: &str) -> Option<Vec<&RawValue>> {
    if raw == "null" {
        return Some(Vec::new());
    }
    serde_json::from_str(raw).ok()
}

/// A text that is the same for elements that mean the same: numbers by value, strings by their
/// characters, objects whatever their order.
fn identity(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 1);
    push_identity(&mut out, raw, 0);
    out
}

fn push_identity(out: &mut String, raw: &str, depth: usize) {
    let inner = depth < DEPTH_MAX;
    if let Some(text) = json::string_text(raw) {
        json::push_string(out, &text);
    } else if let (Some(list), true) = (
        serde_json::from_str::<Vec<&RawValue>>(raw).ok(),
        inner && raw.starts_with('['),
    ) {
        out.push('[');
        for element in list {
            push_identity(out, element.get(), depth + 1);
            out.push(',');
        }
        out.push(']');
    } else if let (Some(mut members), true) = (object(raw), inner) {
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        out.push('{');
        for (name, value) in members {
            json::push_string(out, &name);
            out.push(':');
            push_identity(out, value.get(), depth + 1);
            out.push(',');
        }
        out.push('}');
    } else if let Some(number) = Number::parse(raw) {
        out.push_str(&number.identity());
    } else {
        out.push_str(raw);
    }
}
