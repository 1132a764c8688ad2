//! A reference device: an outbox, local rows, and nothing but what the protocol says to keep them right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::answers::Verdict;
use crate::caller::Caller;
use crate::db::Db;
use crate::exchange::compute;
use crate::oracle::{Columns, Rows, key_text, visible_rows};
use crate::outbox::{Mutation, Op};

/// A row that the server confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRow {
    /// Scope that it came with.
    pub scope: String,
    /// Its version.
    pub version: String,
    /// Raw JSON of its columns.
    pub columns: Columns,
}

/// What a pull of all pages brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullTotals {
    /// Pages.
    pub pages: usize,
    /// Rows.
    pub upserts: usize,
    /// Deletions.
    pub deletes: usize,
    /// Evictions, also those of revoked scopes.
    pub evicts: usize,
    /// Whether the server asked to start over.
    pub reset: bool,
}

/// A device of one user.
pub struct Device {
    /// Its user.
    pub caller: Caller,
    /// Its id.
    pub id: Uuid,
    /// Whether it takes the scope of its inserted rows from push results.
    pub push_scopes: bool,
    /// Rows of a pull page, at most.
    pub page_limit: u64,
    /// Verdicts by seq, the last one each.
    pub verdicts: BTreeMap<u64, Verdict>,
    /// Token of the last pull.
    pub cursor: Option<String>,
    pub(crate) rows: BTreeMap<(String, String), LocalRow>,
    pub(crate) keys: BTreeMap<String, Vec<String>>,
    pub(crate) outbox: Vec<Mutation>,
    pub(crate) deferred: BTreeMap<u64, Mutation>,
    pub(crate) last_seq: u64,
    pub(crate) seen_seq: u64,
}

impl Device {
    /// Registers a new device of a user and pulls once, so that it knows the tables.
    pub async fn new(db: &Db, user: Uuid) -> Device {
        let caller = db.caller(user).await;
        let id = caller.new_device().await;
        let mut device = Device {
            caller,
            id,
            push_scopes: true,
            page_limit: 1_000,
            verdicts: BTreeMap::new(),
            cursor: None,
            rows: BTreeMap::new(),
            keys: BTreeMap::new(),
            outbox: Vec::new(),
            deferred: BTreeMap::new(),
            last_seq: 0,
            seen_seq: 0,
        };
        device.pull().await;
        device
    }

    /// Records an insertion; its seq.
    pub fn insert(&mut self, table: &str, key: Value, patch: Value) -> u64 {
        self.record(Op::Insert, table, key, patch, Map::new())
    }

    /// Records an update; its seq.
    pub fn update(&mut self, table: &str, key: Value, patch: Value) -> u64 {
        self.record(Op::Update, table, key, patch, Map::new())
    }

    /// Records an insertion or update; its seq.
    pub fn upsert(&mut self, table: &str, key: Value, patch: Value) -> u64 {
        self.record(Op::Upsert, table, key, patch, Map::new())
    }

    /// Records a deletion; its seq.
    pub fn delete(&mut self, table: &str, key: Value) -> u64 {
        self.record(Op::Delete, table, key, json!({}), Map::new())
    }

    /// Records a mutation with further members (`hlc`, `after`, `group` …); its seq. `base` and `before`
    /// are what the device sees now, unless given.
    pub fn record(
        &mut self,
        op: Op,
        table: &str,
        key: Value,
        patch: Value,
        mut extra: Map<String, Value>,
    ) -> u64 {
        let place = self.place(table, &key);
        if let Some(row) = self.rows.get(&place) {
            extra.entry("base").or_insert(json!(row.version));
        }
        if op != Op::Insert
            && let Some(seen) = self.view(table, &key)
        {
            let touched = |name: &str| {
                if op == Op::Delete {
                    key.get(name).is_none()
                } else {
                    patch.get(name).is_some()
                }
            };
            let before: Map<String, Value> = seen
                .iter()
                .filter(|(name, _)| touched(name))
                .map(|(name, value)| (name.clone(), serde_json::from_str(value).unwrap()))
                .collect();
            extra.entry("before").or_insert(Value::Object(before));
        }
        self.last_seq += 1;
        let (seq, table) = (self.last_seq, table.to_owned());
        self.outbox.push(Mutation {
            seq,
            op,
            table,
            key,
            patch,
            extra,
        });
        seq
    }

    /// A row as the person at the device sees it: confirmed, with the outbox on top.
    pub fn view(&self, table: &str, key: &Value) -> Option<Columns> {
        let place = self.place(table, key);
        let confirmed = self.rows.get(&place).map(|row| row.columns.clone());
        self.outbox
            .iter()
            .filter(|mutation| self.place(&mutation.table, &mutation.key) == place)
            .fold(confirmed, compute)
    }

    /// Confirmed rows of a table, by the text of their key.
    pub fn rows(&self, table: &str) -> Rows {
        let rows = self.rows.iter().filter(|((name, _), _)| name == table);
        rows.map(|((_, key), row)| (key.clone(), row.columns.clone()))
            .collect()
    }

    /// A confirmed row.
    pub fn row(&self, table: &str, key: &Value) -> Option<&LocalRow> {
        self.rows.get(&self.place(table, key))
    }

    /// Fails unless the device holds exactly the rows of a table that its user may see, letter by letter but for the
    /// space inside documents and the order of their members, which `jsonb` does not keep.
    pub async fn assert_in_step(&self, table: &str) {
        let key: Vec<&str> = self.keys[table].iter().map(String::as_str).collect();
        let (schema, name) = table.split_once('.').expect("a qualified name");
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let quoted = format!("{}.{}", quote(schema), quote(name));
        let visible = visible_rows(&self.caller, &quoted, &key, &[], "true").await;
        let held = self.rows(table);
        let spelled = |rows: &Rows, key: &String| {
            let columns = rows.get(key)?.iter();
            Some(
                columns
                    .map(|(name, raw)| (name.clone(), one_spelling(raw)))
                    .collect::<Columns>(),
            )
        };
        let differing = |key: &&String| spelled(&held, key) != spelled(&visible, key);
        if let Some(key) = held.keys().chain(visible.keys()).find(differing) {
            let difference = difference(held.get(key), visible.get(key));
            panic!("{table} {key} on device {}: {difference}", self.id);
        }
    }

    /// Mutations that wait for a verdict.
    pub fn pending(&self) -> usize {
        self.outbox.len()
    }

    pub(crate) fn place(&self, table: &str, key: &Value) -> (String, String) {
        let columns: Columns = key.as_object().unwrap().iter().map(raw).collect();
        (table.to_owned(), key_text(&columns, &self.keys[table]))
    }
}

pub(crate) fn raw((name, value): (&String, &Value)) -> (String, String) {
    (name.clone(), value.to_string())
}

/// A document with its members by name and no space between its parts; anything else as it is.
fn one_spelling(raw: &str) -> String {
    let parts =
        |parts: Vec<String>, [open, close]: [&str; 2]| format!("{open}{}{close}", parts.join(","));
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw) {
        let each = members.into_iter();
        let each = each.map(|(name, value)| format!("{name:?}:{}", one_spelling(value.get())));
        parts(each.collect(), ["{", "}"])
    } else if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(raw) {
        let each = elements.into_iter().map(|value| one_spelling(value.get()));
        parts(each.collect(), ["[", "]"])
    } else {
        raw.to_owned()
    }
}

/// The columns in which two rows differ.
fn difference(held: Option<&Columns>, visible: Option<&Columns>) -> String {
    let nothing = Columns::new();
    let (held, visible) = (held.unwrap_or(&nothing), visible.unwrap_or(&nothing));
    let names: BTreeSet<&String> = held.keys().chain(visible.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| held.get(*name) != visible.get(*name));
    let lines = differing.map(|name| {
        let (has, should) = (held.get(name), visible.get(name));
        format!("{name}: has {has:?}, should have {should:?}")
    });
    lines.collect::<Vec<_>>().join("; ")
}
