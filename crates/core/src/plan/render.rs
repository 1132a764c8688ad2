//! Writing the runs: raw values are copied, never parsed.

use super::Run;
use super::check::Item;
use super::layout::{Layout, Layouts, Shape};
use super::schedule::Step;
use crate::batch::Mutation;
use crate::exact::ValueForm;
use crate::json::{self, RawObject};
use crate::tables::{KeyColumn, KeyKind, TableInfo, Tables};

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
            run.exact = rows.exact;
            (run.rows, run.befores) = rows.finish();
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
        exact: false,
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

/// The `rows` and `befores` arrays of one run.
struct Rows<'s> {
    columns: &'s [&'s str],
    /// `,"column":` for each column.
    labels: Vec<String>,
    forms: Vec<ValueForm>,
    key: &'s [KeyColumn],
    exact: bool,
    rows: String,
    befores: String,
    any_before: bool,
}

impl<'s> Rows<'s> {
    fn new(shape: &'s Shape<'_>, table: &'s TableInfo) -> Rows<'s> {
        let label = |column: &&str| {
            let mut label = String::new();
            json::push_key(&mut label, column);
            label
        };
        let form = |column: &&str| {
            table
                .columns
                .get(*column)
                .map_or(ValueForm::Other, |c| c.form)
        };
        Rows {
            columns: &shape.columns,
            labels: shape.columns.iter().map(label).collect(),
            forms: shape.columns.iter().map(form).collect(),
            key: &table.key,
            exact: true,
            rows: String::from("["),
            befores: String::from("["),
            any_before: false,
        }
    }

    fn push(&mut self, mutation: &Mutation<'_>, key_fields: &str, layout: &Layout) {
        if self.rows.len() > 1 {
            self.rows.push(',');
            self.befores.push(',');
        }
        self.rows.push('{');
        self.rows.push_str(key_fields);
        for ((label, form), at) in self.labels.iter().zip(&self.forms).zip(&layout.order) {
            let raw = mutation.patch[*at].1.get();
            self.rows.push_str(label);
            self.rows.push_str(raw);
            self.exact &= form.is_exact(raw);
        }
        self.exact = self.exact && key_is_exact(&mutation.key, self.key);
        self.rows.push('}');
        self.push_before(mutation);
    }

    fn push_before(&mut self, mutation: &Mutation<'_>) {
        let Some(before) = &mutation.before else {
            self.befores.push_str("null");
            return;
        };
        self.any_before = true;
        self.befores.push('{');
        for (name, value) in before {
            if self.columns.binary_search(&name.as_ref()).is_ok() {
                json::push_key(&mut self.befores, name);
                self.befores.push_str(value.get());
            }
        }
        self.befores.push('}');
    }

    fn finish(mut self) -> (String, Option<String>) {
        self.rows.push(']');
        self.befores.push(']');
        (self.rows, self.any_before.then_some(self.befores))
    }
}

fn key_is_exact(key: &RawObject<'_>, columns: &[KeyColumn]) -> bool {
    columns.iter().all(|column| {
        let form = match column.kind {
            KeyKind::Uuid => ValueForm::Uuid,
            KeyKind::Text => ValueForm::Text,
            // The spelling depends on the width of the type, which the registry does not tell.
            KeyKind::Int | KeyKind::Other => ValueForm::Other,
        };
        json::member(key, &column.name).is_some_and(|raw| form.is_exact(raw))
    })
}
