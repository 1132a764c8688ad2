//! Three-way merge of JSON objects, member by member.

use std::cell::OnceCell;

use super::contest::{Contest, Resolution};
use super::last_write_wins::{is_later, is_later_than};
use super::same::same_inside;
use super::set;
use super::trail::{ObjectSteps, Step, by_name, object};
use crate::json::{self, RawObject};

/// Nesting beyond which a value is taken whole.
const DEPTH_MAX: usize = 128;

pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    // An empty column is a place where nothing is; a null inside a document is a value.
    let filled = |value: &&str| *value != "null";
    let side = Sides {
        base: contest.base.filter(filled),
        mine: Some(contest.mine).filter(filled),
        theirs: Some(contest.theirs).filter(filled),
    };
    let value = merge(contest, &side, &|| contest.trail.to_vec(), 0);
    Resolution::Merged(value.unwrap_or_else(|| "null".to_owned()))
}

/// One place in the three documents. `None`: nothing is there.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: Option<&'a str>,
    mine: Option<&'a str>,
    theirs: Option<&'a str>,
}

/// What became of a place since the base, found out where it matters: that takes every document of its history apart.
type Steps<'f, 'a> = &'f dyn Fn() -> Vec<Step<'a>>;

/// What stands in one place in the end; `None`: nothing.
fn merge<'a>(
    contest: &Contest<'_>,
    at: &Sides<'_>,
    steps: Steps<'_, 'a>,
    depth: usize,
) -> Option<String> {
    let owned = |value: Option<&str>| value.map(str::to_owned);
    if same(at.mine, at.theirs) || same(at.base, at.mine) {
        return owned(at.theirs);
    }
    if same(at.base, at.theirs) {
        return owned(at.mine);
    }
    // Removed on one side, changed on the other: nothing that a person wrote disappears.
    let (Some(mine), Some(theirs)) = (at.mine, at.theirs) else {
        return owned(at.mine.or(at.theirs));
    };
    if depth < DEPTH_MAX {
        if let (Some(mine), Some(theirs)) = (object(mine), object(theirs)) {
            let base = at.base.and_then(object).unwrap_or_default();
            return Some(merge_members(contest, &base, &mine, &theirs, steps, depth));
        }
        if set::is_of_scalars(mine) && set::is_of_scalars(theirs) {
            let base = at.base.filter(|base| set::is_of_scalars(base));
            return set::merge(base, mine, theirs, &steps(), contest.my_device);
        }
    }
    Some(
        if wins(contest, &steps()) {
            mine
        } else {
            theirs
        }
        .to_owned(),
    )
}

fn merge_members<'a>(
    contest: &Contest<'_>,
    base: &RawObject<'_>,
    mine: &RawObject<'_>,
    theirs: &RawObject<'_>,
    steps: Steps<'_, 'a>,
    depth: usize,
) -> String {
    let history = OnceCell::new();
    let mut out = String::from("{");
    let [in_base, in_mine, in_theirs] = [base, mine, theirs].map(by_name);
    let only_mine = mine
        .iter()
        .filter(|(name, _)| !in_theirs.contains_key(name.as_ref()));
    for (name, _) in theirs.iter().chain(only_mine) {
        let name = name.as_ref();
        let at = Sides {
            base: in_base.get(name).copied(),
            mine: in_mine.get(name).copied(),
            theirs: in_theirs.get(name).copied(),
        };
        let own_steps = || {
            let read = || ObjectSteps::read(&steps());
            history.get_or_init(read).of(name)
        };
        if let Some(value) = merge(contest, &at, &own_steps, depth + 1) {
            json::push_key(&mut out, name);
            out.push_str(&value);
        }
    }
    out.push('}');
    out
}

fn same(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same_inside(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Whether mine wins a leaf: by the leaf's own clock where the history tells, else by that of the
/// column. A leaf that the device itself wrote last is its own to change.
fn wins(contest: &Contest<'_>, steps: &[Step<'_>]) -> bool {
    match steps.last() {
        Some(step) if step.is_by(contest.my_device) => true,
        Some(_) => {
            let (hlc, device) = clock_of(steps);
            is_later_than(contest, hlc, device)
        }
        None => is_later(contest),
    }
}

/// The clock of a leaf: the latest of its writes since it came to be. What replaced a value had seen
/// it or was later; so a late clock of the last write, which the server could not correct because
/// another leaf had changed meanwhile, does not take the leaf back in time.
fn clock_of<'s>(steps: &'s [Step<'_>]) -> (i64, Option<&'s str>) {
    let begin = steps.iter().rposition(|step| step.old.is_none());
    let since = steps[begin.unwrap_or(0)..].iter();
    let clocks = since.map(|step| (step.hlc, step.device));
    clocks.max().unwrap_or_default()
}
