//! Each mutation on its own: is its table synced, are its columns writable, is its key a key?

use std::borrow::Cow;
use std::collections::HashMap;

use super::Rejected;
use super::layout::{BadColumn, Layouts};
use super::likely::likely_row;
use super::row_key::{self, RowKey};
use crate::batch::{Mutation, Op};
use crate::tables::{TableInfo, Tables};

/// A mutation that is fit to be executed.
pub(super) struct Item {
    /// Position among the fresh mutations.
    pub at: usize,
    /// Position in the registry.
    pub table: usize,
    /// Its layout.
    pub layout: usize,
    /// Number of its row: equal for mutations of one row of one table.
    pub row: usize,
    /// Its key.
    pub key: RowKey,
}

/// Mutations that passed, in seq order, and their layouts.
pub(super) struct Checked<'a> {
    pub items: Vec<Item>,
    pub layouts: Layouts<'a>,
}

/// Checks each mutation; those that fail go to `rejected`.
pub(super) fn check_all<'a>(
    mutations: &'a [Mutation<'a>],
    tables: &Tables,
    rejected: &mut HashMap<u64, Rejected>,
) -> Checked<'a> {
    let mut layouts = Layouts::default();
    let mut items = Vec::with_capacity(mutations.len());
    for (at, mutation) in mutations.iter().enumerate() {
        match check(mutation, tables, &mut layouts) {
            Ok((table, layout, key)) => items.push(Item {
                at,
                table,
                layout,
                row: 0,
                key,
            }),
            Err((code, message)) => {
                let seq = mutation.seq;
                rejected.insert(
                    seq,
                    Rejected {
                        seq,
                        code,
                        message,
                        detail: None,
                    },
                );
            }
        }
    }
    number_rows(mutations, tables, &mut items);
    Checked { items, layouts }
}

fn number_rows(mutations: &[Mutation<'_>], tables: &Tables, items: &mut [Item]) {
    let mut numbers: HashMap<(usize, Cow<'_, str>), usize> = HashMap::with_capacity(items.len());
    for item in items {
        let next = numbers.len();
        let likely = likely_row(&mutations[item.at].key, &tables.list()[item.table].key);
        let row = likely.map_or(Cow::Borrowed(item.key.text.as_str()), Cow::Owned);
        item.row = *numbers.entry((item.table, row)).or_insert(next);
    }
}

type Problem = (&'static str, String);

fn check<'a>(
    mutation: &'a Mutation<'a>,
    tables: &Tables,
    layouts: &mut Layouts<'a>,
) -> Result<(usize, usize, RowKey), Problem> {
    if !mutation.storable {
        return Err((
            "22P05",
            "text holds U+0000 or half a surrogate pair".to_owned(),
        ));
    }
    if mutation.op == Op::Call {
        let name = mutation.function.as_deref().unwrap_or_default();
        return Err(("42883", format!("no handler is registered for \"{name}\"")));
    }
    let table = tables.find(&mutation.table).ok_or_else(|| {
        (
            "42P01",
            format!("table \"{}\" is not synced", mutation.table),
        )
    })?;
    let info = &tables.list()[table];
    let layout = layouts
        .resolve(mutation, table, tables)
        .map_err(|(at, reason)| bad_column(&mutation.patch[at].0, reason, info))?;
    let key = row_key::row_key(&mutation.key, &info.key).ok_or_else(|| {
        (
            "22023",
            format!("key does not fit the primary key of {}", info.name),
        )
    })?;
    for (in_patch, in_key) in &layouts.list[layout].keyed {
        if !agrees(mutation, *in_patch, info, *in_key) {
            let name = &info.key[*in_key].name;
            return Err((
                "22023",
                format!("patch gives key column \"{name}\" another value"),
            ));
        }
    }
    Ok((table, layout, key))
}

fn bad_column(name: &str, reason: BadColumn, table: &TableInfo) -> Problem {
    let table = &table.name;
    match reason {
        BadColumn::Unknown => ("42703", format!("{table} has no column \"{name}\"")),
        BadColumn::Excluded => (
            "42501",
            format!("column \"{name}\" of {table} is excluded from sync"),
        ),
        BadColumn::ReadOnly => (
            "42501",
            format!("column \"{name}\" of {table} is not writable"),
        ),
    }
}

/// Whether a key column named in the patch says the same as the key.
fn agrees(mutation: &Mutation<'_>, in_patch: usize, table: &TableInfo, in_key: usize) -> bool {
    let column = &table.key[in_key];
    let (_, patched) = &mutation.patch[in_patch];
    mutation
        .key
        .iter()
        .filter(|(name, _)| *name == column.name)
        .all(|(_, value)| {
            let canonical = row_key::canonical(patched, column.kind);
            canonical.is_some() && canonical == row_key::canonical(value, column.kind)
        })
}
