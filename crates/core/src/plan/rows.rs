//! The `rows` and `befores` arrays of one run, and what is known beforehand of the stored rows.

use std::borrow::Cow;

use super::Run;
use super::layout::{Layout, Shape};
use crate::batch::{Mutation, Op};
use crate::exact::ValueForm;
use crate::json::{self, RawObject};
use crate::tables::{KeyColumn, KeyKind, TableInfo};

/// Writes the rows of a run as JSON.
pub(super) struct Rows<'s> {
    columns: &'s [&'s str],
    /// `,"column":` for each column.
    labels: Vec<String>,
    forms: Vec<ValueForm>,
    key: &'s [KeyColumn],
    /// For insertions of which all columns are known: the whole row in the order of the table.
    whole: Option<Vec<WholeColumn>>,
    /// Whether the stored values are known, so far.
    foreseen: bool,
    spelled: bool,
    respelled: Vec<bool>,
    rows: String,
    befores: String,
    any_before: bool,
}

impl<'s> Rows<'s> {
    pub(super) fn new(shape: &'s Shape<'_>, table: &'s TableInfo) -> Rows<'s> {
        let label = |column: &&str| {
            let mut label = String::new();
            json::push_key(&mut label, column);
            label
        };
        let form = |column: &&str| {
            table
                .columns
                .get(*column)
                .map_or(ValueForm::Other, |info| info.form)
        };
        Rows {
            columns: &shape.columns,
            labels: shape.columns.iter().map(label).collect(),
            forms: shape.columns.iter().map(form).collect(),
            key: &table.key,
            whole: (shape.op == Op::Insert)
                .then(|| whole_columns(shape, table))
                .flatten(),
            foreseen: true,
            spelled: true,
            respelled: Vec::new(),
            rows: String::from("["),
            befores: String::from("["),
            any_before: false,
        }
    }

    /// Adds the row of a mutation. `key_fields` are the members of its canonical key.
    pub(super) fn push(&mut self, mutation: &Mutation<'_>, key_fields: &str, layout: &Layout) {
        if self.rows.len() > 1 {
            self.rows.push(',');
            self.befores.push(',');
        }
        match self.whole.take() {
            Some(columns) => {
                self.push_whole(&columns, mutation, layout);
                self.whole = Some(columns);
            }
            None => self.push_part(mutation, key_fields, layout),
        }
        self.push_before(mutation);
    }

    fn push_part(&mut self, mutation: &Mutation<'_>, key_fields: &str, layout: &Layout) {
        self.rows.push('{');
        self.rows.push_str(key_fields);
        let mut respelled = false;
        for ((label, form), at) in self.labels.iter().zip(&self.forms).zip(&layout.order) {
            let raw = mutation.patch[*at].1.get();
            self.rows.push_str(label);
            let canonical = form.canonical(raw);
            self.spelled = self.spelled && canonical.is_some();
            let text = canonical.unwrap_or(Cow::Borrowed(raw));
            respelled |= text != raw;
            self.rows.push_str(&text);
            self.foreseen = self.foreseen && form.is_exact(raw);
        }
        self.rows.push('}');
        self.respelled.push(respelled);
        self.foreseen = self.foreseen && key_is_exact(&mutation.key, self.key);
    }

    fn push_whole(&mut self, columns: &[WholeColumn], mutation: &Mutation<'_>, layout: &Layout) {
        // A device that did not name a column does not have it: it must be shown the whole row.
        let mut respelled = columns
            .iter()
            .any(|column| matches!(column.source, Source::Absent));
        self.rows.push('{');
        for (at, column) in columns.iter().enumerate() {
            let raw = match column.source {
                Source::Key => json::member(&mutation.key, &column.name).unwrap_or("null"),
                Source::Patch(column) => mutation.patch[layout.order[column]].1.get(),
                Source::Absent => "null",
            };
            self.rows.push_str(&column.label[usize::from(at == 0)..]);
            match column.form.canonical(raw) {
                Some(text) => {
                    respelled |= text != raw;
                    self.rows.push_str(&text);
                }
                None => {
                    self.foreseen = false;
                    self.spelled = false;
                    self.rows.push_str(raw);
                }
            }
        }
        self.rows.push('}');
        self.respelled.push(respelled);
    }

    fn push_before(&mut self, mutation: &Mutation<'_>) {
        let Some(before) = &mutation.before else {
            self.befores.push_str("null");
            return;
        };
        self.any_before = true;
        self.befores.push('{');
        for (name, value) in before {
            let form = match self.columns.binary_search(&name.as_ref()) {
                Ok(at) => self.forms[at],
                // A deletion takes all columns with it.
                Err(_) if mutation.op == Op::Delete => ValueForm::Other,
                Err(_) => continue,
            };
            json::push_key(&mut self.befores, name);
            let raw = value.get();
            let text = form.canonical(raw);
            self.befores.push_str(&text.unwrap_or(Cow::Borrowed(raw)));
        }
        self.befores.push('}');
    }

    /// Moves everything into the run.
    pub(super) fn finish(mut self, run: &mut Run) {
        self.rows.push(']');
        self.befores.push(']');
        run.rows = self.rows;
        run.befores = self.any_before.then_some(self.befores);
        run.width = match &self.whole {
            _ if !self.foreseen => None,
            Some(columns) => Some(columns.len()),
            None if run.op == Op::Insert => None,
            None => Some(0),
        };
        run.spelled = self.spelled;
        if self.respelled.contains(&true) {
            run.respelled = self.respelled;
        }
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

/// A column of a whole row.
struct WholeColumn {
    name: String,
    /// `,"name":`
    label: String,
    form: ValueForm,
    source: Source,
}

/// Where the value of a column comes from.
#[derive(Clone, Copy)]
enum Source {
    Key,
    /// Position among the columns of the run.
    Patch(usize),
    Absent,
}

/// The columns of a whole row in the order of the table; `None` where a value will be filled in that
/// only the database knows.
fn whole_columns(shape: &Shape<'_>, table: &TableInfo) -> Option<Vec<WholeColumn>> {
    let mut columns: Vec<_> = table
        .columns
        .iter()
        .filter(|(_, info)| !info.excluded)
        .collect();
    columns.sort_by_key(|(_, info)| info.ordinal);
    let is_known = |name: &str| columns.iter().any(|(known, _)| known.as_str() == name);
    if !table.key.iter().all(|key| is_known(&key.name)) {
        return None;
    }
    let whole = columns.iter().map(|(name, info)| {
        let is_key = table.key.iter().any(|key| key.name == **name);
        let source = match shape.columns.binary_search(&name.as_str()) {
            _ if is_key => Source::Key,
            Ok(at) => Source::Patch(at),
            Err(_) if info.null_when_absent => Source::Absent,
            Err(_) => return None,
        };
        let mut label = String::new();
        json::push_key(&mut label, name);
        Some(WholeColumn {
            name: (*name).clone(),
            label,
            form: info.form,
            source,
        })
    });
    whole.collect()
}
