//! Mutations as a device keeps and sends them.

use serde_json::{Map, Value, json};

/// Kind of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new row.
    Insert,
    /// Columns of a row.
    Update,
    /// Removal of a row.
    Delete,
    /// Columns of a row that may or may not exist.
    Upsert,
}

impl Op {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Op::Insert => "insert",
            Op::Update => "update",
            Op::Delete => "delete",
            Op::Upsert => "upsert",
        }
    }
}

/// A mutation in the outbox of a device.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// Number within the device.
    pub seq: u64,
    /// Kind.
    pub op: Op,
    /// Qualified table name.
    pub table: String,
    /// Key columns.
    pub key: Value,
    /// Changed columns.
    pub patch: Value,
    /// Everything else: base, before, hlc, after, group.
    pub extra: Map<String, Value>,
}

impl Mutation {
    /// The mutation as it travels.
    pub fn to_json(&self) -> Value {
        let mut wire = mutation(self.seq, self.op, &self.table, &self.key, &self.patch);
        for (name, value) in &self.extra {
            wire[name] = value.clone();
        }
        wire
    }
}

/// A mutation as it travels, for tests that write their batches by hand.
pub fn mutation(seq: u64, op: Op, table: &str, key: &Value, patch: &Value) -> Value {
    let mut wire = json!({ "seq": seq.to_string(), "op": op.name(), "table": table, "key": key });
    if op != Op::Delete {
        wire["patch"] = patch.clone();
    }
    wire
}
