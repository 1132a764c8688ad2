//! Which mutations share a run, and in which order the runs are executed.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::check::Item;
use super::layout::Layouts;
use super::levels::{Levels, Relations};
use crate::batch::Mutation;
use crate::tables::Tables;

/// One run: positions of its items, in seq order.
pub(super) struct Step {
    pub unit: u32,
    pub members: Vec<usize>,
}

/// Orders the items. Everything before a group's first member runs before the group, everything
/// else after it; in between, runs are ordered by level and then by their first seq.
pub(super) fn schedule(
    mutations: &[Mutation<'_>],
    items: &[Item],
    layouts: &Layouts<'_>,
    tables: &Tables,
) -> Vec<Step> {
    let touched: BTreeSet<usize> = items.iter().map(|item| item.table).collect();
    let relations = Relations::of(&touched, tables);
    let shapes: Vec<usize> = items
        .iter()
        .map(|item| layouts.list[item.layout].shape)
        .collect();
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        if let Some(group) = &mutations[item.at].group {
            groups.entry(group).or_default().push(at);
        }
    }
    let mut steps = Steps::default();
    let mut segment = Segment::default();
    for (at, item) in items.iter().enumerate() {
        let mutation = &mutations[item.at];
        match &mutation.group {
            None => {
                let level = segment
                    .levels
                    .assign(item, mutation, shapes[at], &relations);
                segment.add(at, level, shapes[at]);
            }
            // Later members find their group taken.
            Some(group) => {
                if let Some(members) = groups.remove(group.as_ref()) {
                    steps.close(std::mem::take(&mut segment));
                    steps.add_group(&members, items, &shapes);
                }
            }
        }
    }
    steps.close(segment);
    steps.done
}

/// Mutations between two groups.
#[derive(Default)]
struct Segment {
    levels: Levels,
    runs: Vec<(u32, Vec<usize>)>,
    by_kind: HashMap<(u32, usize), usize>,
}

impl Segment {
    fn add(&mut self, at: usize, level: u32, shape: usize) {
        let next = self.runs.len();
        let run = *self.by_kind.entry((level, shape)).or_insert(next);
        if run == next {
            self.runs.push((level, Vec::new()));
        }
        self.runs[run].1.push(at);
    }
}

#[derive(Default)]
struct Steps {
    done: Vec<Step>,
    next_unit: u32,
}

impl Steps {
    /// Adds the runs of a segment, each a unit of its own.
    fn close(&mut self, segment: Segment) {
        let mut runs = segment.runs;
        // Runs were opened in seq order, which a stable sort keeps within a level.
        runs.sort_by_key(|(level, _)| *level);
        for (_, members) in runs {
            self.done.push(Step {
                unit: self.next_unit,
                members,
            });
            self.next_unit += 1;
        }
    }

    /// Adds an atomic group: one unit, in seq order, neighbours of one kind in one run.
    fn add_group(&mut self, members: &[usize], items: &[Item], shapes: &[usize]) {
        let mut rows = HashSet::new();
        let mut shape = None;
        for at in members {
            let fits = shape == Some(shapes[*at]) && rows.insert(items[*at].row);
            match self.done.last_mut() {
                Some(step) if fits => step.members.push(*at),
                _ => {
                    rows = HashSet::from([items[*at].row]);
                    shape = Some(shapes[*at]);
                    self.done.push(Step {
                        unit: self.next_unit,
                        members: vec![*at],
                    });
                }
            }
        }
        self.next_unit += 1;
    }
}
