//! How early a mutation may run: one level after everything that it depends on.

use std::collections::{BTreeSet, HashMap};

use super::check::Item;
use crate::batch::{Mutation, Op};
use crate::tables::Tables;

/// Foreign keys between the tables of one batch, direct and indirect.
pub(super) struct Relations {
    /// Tables that a table's rows refer to, without itself.
    ancestors: HashMap<usize, Vec<usize>>,
    /// Tables whose rows refer to a table, without itself.
    descendants: HashMap<usize, Vec<usize>>,
    /// Tables whose rows may refer to rows of the same table.
    reflexive: BTreeSet<usize>,
}

impl Relations {
    pub(super) fn of(touched: &BTreeSet<usize>, tables: &Tables) -> Relations {
        let list = tables.list();
        let by_id: HashMap<i32, usize> = list
            .iter()
            .enumerate()
            .map(|(at, table)| (table.id, at))
            .collect();
        let parents = |at: usize| {
            list[at]
                .parents
                .iter()
                .filter_map(|id| by_id.get(id).copied())
        };
        let mut relations = Relations {
            ancestors: HashMap::new(),
            descendants: HashMap::new(),
            reflexive: BTreeSet::new(),
        };
        for table in touched {
            let mut reached = BTreeSet::new();
            let mut open: Vec<usize> = parents(*table).collect();
            while let Some(parent) = open.pop() {
                if reached.insert(parent) {
                    open.extend(parents(parent));
                }
            }
            for ancestor in reached.intersection(touched) {
                if ancestor == table {
                    relations.reflexive.insert(*table);
                } else {
                    relations
                        .ancestors
                        .entry(*table)
                        .or_default()
                        .push(*ancestor);
                    relations
                        .descendants
                        .entry(*ancestor)
                        .or_default()
                        .push(*table);
                }
            }
        }
        relations
    }
}

/// Highest levels so far in one table.
#[derive(Default)]
struct TableLevels {
    writes: Option<u32>,
    deletes: Option<u32>,
    creates: Creates,
}

/// The latest insert or upsert: its shape and level. No earlier one has a higher level, because a
/// creation of another shape always goes a level above all before it.
#[derive(Default)]
struct Creates(Option<(usize, u32)>);

impl Creates {
    /// The first level for a mutation of `shape` that follows all creations.
    fn floor(&self, shape: usize) -> u32 {
        match self.0 {
            Some((latest, level)) if latest == shape => level,
            latest => next(latest.map(|(_, level)| level)),
        }
    }
}

fn next(level: Option<u32>) -> u32 {
    level.map_or(0, |level| level + 1)
}

/// Levels of the mutations of one segment, assigned in seq order.
#[derive(Default)]
pub(super) struct Levels {
    rows: HashMap<usize, u32>,
    seqs: HashMap<u64, u32>,
    tables: HashMap<usize, TableLevels>,
}

impl Levels {
    /// The level of the next mutation.
    pub(super) fn assign(
        &mut self,
        item: &Item,
        mutation: &Mutation<'_>,
        shape: usize,
        relations: &Relations,
    ) -> u32 {
        let required = mutation
            .after
            .iter()
            .filter_map(|seq| self.seqs.get(seq).copied())
            .max();
        let level = next(self.rows.get(&item.row).copied())
            .max(next(required))
            .max(self.foreign_floor(item.table, mutation.op, relations))
            .max(self.own_floor(item.table, mutation.op, shape, relations));
        self.rows.insert(item.row, level);
        self.seqs.insert(mutation.seq, level);
        let table = self.tables.entry(item.table).or_default();
        if mutation.op == Op::Delete {
            table.deletes = table.deletes.max(Some(level));
        } else {
            table.writes = table.writes.max(Some(level));
        }
        if matches!(mutation.op, Op::Insert | Op::Upsert) {
            table.creates = Creates(Some((shape, level)));
        }
        level
    }

    /// Children follow whatever happened to their parents; a parent's removal follows whatever
    /// happened to its children.
    fn foreign_floor(&self, table: usize, op: Op, relations: &Relations) -> u32 {
        let highest = |related: Option<&Vec<usize>>| {
            let levels = related
                .into_iter()
                .flatten()
                .filter_map(|at| self.tables.get(at));
            next(
                levels
                    .filter_map(|table| table.writes.max(table.deletes))
                    .max(),
            )
        };
        let after_parents = highest(relations.ancestors.get(&table));
        if op != Op::Delete {
            return after_parents;
        }
        after_parents.max(highest(relations.descendants.get(&table)))
    }

    /// The same inside a table that refers to itself.
    ///
    /// One statement checks its foreign keys at its end, so creations of one shape share a level, and
    /// so do removals. Updates never create or remove what another row refers to (primary keys do not
    /// change), so they only follow creations and removals and are followed only by removals.
    fn own_floor(&self, table: usize, op: Op, shape: usize, relations: &Relations) -> u32 {
        let Some(levels) = self.tables.get(&table) else {
            return 0;
        };
        if !relations.reflexive.contains(&table) {
            return 0;
        }
        match op {
            Op::Delete => next(levels.writes).max(levels.deletes.unwrap_or(0)),
            _ => next(levels.deletes).max(levels.creates.floor(shape)),
        }
    }
}
