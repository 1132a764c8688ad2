//! What falls with a rejected mutation: those that require it, and the rest of its group.

use std::collections::{HashMap, HashSet};

use super::Rejected;
use super::check::Item;
use crate::batch::Mutation;

/// Rejects dependents until nothing more falls; returns the items that stand, in seq order.
///
/// A group that is spread over the batch is executed where its first member stands. A member that
/// would be moved before a mutation that it builds on makes its group impossible to keep together,
/// so such a group is rejected (`22023`).
pub(super) fn reject_dependents(
    mutations: &[Mutation<'_>],
    items: Vec<Item>,
    rejected: &mut HashMap<u64, Rejected>,
) -> Vec<Item> {
    let graph = Dependents::of(mutations);
    let mut fallen: Vec<u64> = rejected.keys().copied().collect();
    fallen.sort_unstable();
    graph.spread(fallen, mutations, rejected);
    let standing = |items: Vec<Item>, rejected: &HashMap<u64, Rejected>| -> Vec<Item> {
        let stands = |item: &Item| !rejected.contains_key(&mutations[item.at].seq);
        if rejected.is_empty() {
            items
        } else {
            items.into_iter().filter(stands).collect()
        }
    };
    let items = standing(items, rejected);
    let torn = graph.torn(mutations, &items);
    if torn.is_empty() {
        return items;
    }
    for seq in &torn {
        let message = "group is interleaved with mutations that it builds on".to_owned();
        rejected.insert(
            *seq,
            Rejected {
                seq: *seq,
                code: "22023",
                message,
                detail: None,
            },
        );
    }
    graph.spread(torn, mutations, rejected);
    standing(items, rejected)
}

/// Who falls with whom. Positions are those of the fresh mutations.
struct Dependents<'a> {
    first_seq: u64,
    requiring: HashMap<u64, Vec<usize>>,
    groups: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Dependents<'a> {
    fn of(mutations: &'a [Mutation<'_>]) -> Self {
        let mut requiring: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, mutation) in mutations.iter().enumerate() {
            for seq in &mutation.after {
                requiring.entry(*seq).or_default().push(at);
            }
            if let Some(group) = &mutation.group {
                groups.entry(group).or_default().push(at);
            }
        }
        let first_seq = mutations.first().map_or(0, |mutation| mutation.seq);
        Dependents {
            first_seq,
            requiring,
            groups,
        }
    }

    /// Rejects everything that depends on `fallen`, directly or not, as `PT424`.
    fn spread(
        &self,
        mut fallen: Vec<u64>,
        mutations: &'a [Mutation<'_>],
        rejected: &mut HashMap<u64, Rejected>,
    ) {
        let mut spread_groups = HashSet::new();
        let mut next = 0;
        while let Some(cause) = fallen.get(next).copied() {
            next += 1;
            let required = self.requiring.get(&cause).map(|seqs| (seqs, "requires"));
            let grouped = self
                .members(cause, mutations)
                .filter(|(group, _)| spread_groups.insert(*group))
                .map(|(_, members)| (members, "is in one group with"));
            for (dependents, reason) in required.into_iter().chain(grouped) {
                for at in dependents {
                    let seq = mutations[*at].seq;
                    rejected.entry(seq).or_insert_with(|| {
                        fallen.push(seq);
                        Rejected {
                            seq,
                            code: "PT424",
                            message: format!("{reason} mutation {cause}, which was rejected"),
                            detail: Some(cause.to_string()),
                        }
                    });
                }
            }
        }
    }

    /// The group of `seq` and the positions of its members.
    fn members(&self, seq: u64, mutations: &'a [Mutation<'_>]) -> Option<(&'a str, &Vec<usize>)> {
        let at = usize::try_from(seq.checked_sub(self.first_seq)?).ok()?;
        let group = mutations.get(at)?.group.as_deref()?;
        Some((group, self.groups.get(group)?))
    }

    /// Seqs of members that build on a mutation between them and the start of their group.
    fn torn(&self, mutations: &[Mutation<'_>], items: &[Item]) -> Vec<u64> {
        let mut last_on_row: HashMap<usize, usize> = HashMap::new();
        let mut torn = Vec::new();
        for item in items {
            let mutation = &mutations[item.at];
            let previous = last_on_row.insert(item.row, item.at);
            let Some(start) = self.start(mutation) else {
                continue;
            };
            let jumps = |at: usize| at > start && mutations[at].group != mutation.group;
            let required = mutation
                .after
                .iter()
                .filter_map(|seq| seq.checked_sub(self.first_seq));
            let jumped = required
                .filter_map(|at| usize::try_from(at).ok())
                .chain(previous)
                .any(jumps);
            if jumped {
                torn.push(mutation.seq);
            }
        }
        torn
    }

    fn start(&self, mutation: &Mutation<'_>) -> Option<usize> {
        let group = mutation.group.as_deref()?;
        self.groups.get(group)?.first().copied()
    }
}
