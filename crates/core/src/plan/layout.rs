//! What a mutation does to its table, resolved once for all mutations that look alike.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use serde_json::value::RawValue;

use crate::batch::{Mutation, Op};
use crate::tables::{TableInfo, Tables};

/// Table, kind and written columns: mutations that agree in these may share a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape<'a> {
    pub table: usize,
    pub op: Op,
    pub columns: Vec<&'a str>,
}

/// How the patch of a mutation maps to its shape.
pub(super) struct Layout {
    /// Index into [`Layouts::shapes`].
    pub shape: usize,
    /// Where in the patch each column of the shape is.
    pub order: Vec<usize>,
    /// Where in the patch the key columns are, as (position in patch, position in key).
    pub keyed: Vec<(usize, usize)>,
}

/// Why a patch cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadColumn {
    Unknown,
    Excluded,
    ReadOnly,
}

/// All distinct layouts of a batch.
#[derive(Default)]
pub(super) struct Layouts<'a> {
    pub shapes: Vec<Shape<'a>>,
    pub list: Vec<Layout>,
    by_shape: HashMap<Shape<'a>, usize>,
    by_signature: HashMap<Signature<'a>, Result<usize, (usize, BadColumn)>>,
}

/// Table, kind and the patch's names in their order of writing.
struct Signature<'a> {
    table: usize,
    op: Op,
    patch: &'a [(Cow<'a, str>, &'a RawValue)],
}

impl PartialEq for Signature<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
            && self.op == other.op
            && self.patch.len() == other.patch.len()
            && self
                .patch
                .iter()
                .zip(other.patch)
                .all(|((a, _), (b, _))| a == b)
    }
}

impl Eq for Signature<'_> {}

impl Hash for Signature<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.table, self.op).hash(state);
        self.patch.iter().for_each(|(name, _)| name.hash(state));
    }
}

impl<'a> Layouts<'a> {
    /// The layout of a mutation on `table`, or the position in its patch of the first bad column.
    pub(super) fn resolve(
        &mut self,
        mutation: &'a Mutation<'a>,
        table: usize,
        tables: &Tables,
    ) -> Result<usize, (usize, BadColumn)> {
        let signature = Signature {
            table,
            op: mutation.op,
            patch: &mutation.patch,
        };
        if let Some(known) = self.by_signature.get(&signature) {
            return *known;
        }
        let resolved = self.add(&signature, &tables.list()[table]);
        self.by_signature.insert(signature, resolved);
        resolved
    }

    /// The shape of a layout.
    pub(super) fn shape_of(&self, layout: usize) -> &Shape<'a> {
        &self.shapes[self.list[layout].shape]
    }

    fn add(
        &mut self,
        signature: &Signature<'a>,
        table: &TableInfo,
    ) -> Result<usize, (usize, BadColumn)> {
        let mut written: Vec<(&'a str, usize)> = Vec::with_capacity(signature.patch.len());
        let mut keyed = Vec::new();
        for (at, (name, _)) in signature.patch.iter().enumerate() {
            if let Some(in_key) = table.key.iter().position(|column| column.name == *name) {
                keyed.push((at, in_key));
                continue;
            }
            let bad = |reason| (at, reason);
            let column = table
                .columns
                .get(name.as_ref())
                .ok_or(bad(BadColumn::Unknown))?;
            match column {
                column if column.excluded => return Err(bad(BadColumn::Excluded)),
                column if column.generated => {}
                column if column.writable => written.push((name, at)),
                _ => return Err(bad(BadColumn::ReadOnly)),
            }
        }
        written.sort_unstable();
        let shape = self.shape(Shape {
            table: signature.table,
            op: signature.op,
            columns: written.iter().map(|(name, _)| *name).collect(),
        });
        let order = written.iter().map(|(_, at)| *at).collect();
        self.list.push(Layout {
            shape,
            order,
            keyed,
        });
        Ok(self.list.len() - 1)
    }

    fn shape(&mut self, shape: Shape<'a>) -> usize {
        if let Some(known) = self.by_shape.get(&shape) {
            return *known;
        }
        self.shapes.push(shape.clone());
        self.by_shape.insert(shape, self.shapes.len() - 1);
        self.shapes.len() - 1
    }
}
