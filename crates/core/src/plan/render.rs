//! Writing the runs: raw values are copied, never parsed.

use super::Run;
use super::check::Item;
use super::layout::{Layouts, Shape};
use super::rows::Rows;
use super::schedule::Step;
use crate::batch::Mutation;
use crate::tables::Tables;

/// Builds the runs of the steps, moving the keys out of the items.
pub(super) fn render(
    mutations: &[Mutation<'_>],
    mut items: Vec<Item>,
    layouts: &Layouts<'_>,
    tables: &Tables,
    steps: Vec<Step>,
) -> Vec<Run> {
    steps
        .into_iter()
        .filter_map(|step| {
            let layout = items[*step.members.first()?].layout;
            let shape = layouts.shape_of(layout);
            let mut run = empty_run(shape, tables, step.unit, step.members.len());
            let mut rows = Rows::new(shape, &tables.list()[shape.table]);
            for at in &step.members {
                let item = &mut items[*at];
                let mutation = &mutations[item.at];
                rows.push(mutation, &item.key.fields, &layouts.list[item.layout]);
                run.keys.push(std::mem::take(&mut item.key.text));
                push_facts(&mut run, mutation);
            }
            if run.after.iter().all(Vec::is_empty) {
                run.after = Vec::new();
            }
            rows.finish(&mut run);
            Some(run)
        })
        .collect()
}

fn empty_run(shape: &Shape<'_>, tables: &Tables, unit: u32, members: usize) -> Run {
    Run {
        unit,
        table_id: tables.list()[shape.table].id,
        op: shape.op,
        columns: shape
            .columns
            .iter()
            .map(|column| (*column).to_owned())
            .collect(),
        seqs: Vec::with_capacity(members),
        keys: Vec::with_capacity(members),
        bases: Vec::with_capacity(members),
        hlcs: Vec::with_capacity(members),
        rows: String::new(),
        befores: None,
        after: Vec::with_capacity(members),
        priorities: Vec::with_capacity(members),
        width: None,
        respelled: Vec::new(),
        spelled: false,
        group: None,
    }
}

fn push_facts(run: &mut Run, mutation: &Mutation<'_>) {
    run.seqs.push(mutation.seq);
    run.bases.push(mutation.base);
    run.hlcs.push(mutation.hlc.map(|hlc| hlc.0));
    run.after.push(mutation.after.clone());
    run.priorities.push(mutation.priority);
    if run.group.is_none() {
        run.group = mutation.group.as_deref().map(str::to_owned);
    }
}
