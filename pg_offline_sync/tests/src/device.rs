//! A reference device: an outbox, local rows, and nothing but what the protocol says to keep them right.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::answers::{PullAnswer, PushAnswer, Verdict};
use crate::caller::Caller;
use crate::db::Db;
use crate::error::PgError;
use crate::oracle::{Columns, Rows, key_text, row_columns, visible_rows};
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
    rows: BTreeMap<(String, String), LocalRow>,
    keys: BTreeMap<String, Vec<String>>,
    outbox: Vec<Mutation>,
    deferred: BTreeMap<u64, Mutation>,
    last_seq: u64,
    seen_seq: u64,
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
        if matches!(op, Op::Update | Op::Upsert)
            && let Some(seen) = self.view(table, &key)
        {
            let before = patch
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, _)| {
                    let value = seen.get(name)?;
                    Some((name.clone(), serde_json::from_str(value).unwrap()))
                });
            let before: Map<String, Value> = before.collect();
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

    /// Fails unless the device holds exactly the rows of a table that its user may see, letter by letter.
    pub async fn assert_in_step(&self, table: &str) {
        let key: Vec<&str> = self.keys[table].iter().map(String::as_str).collect();
        let (schema, name) = table.split_once('.').expect("a qualified name");
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let quoted = format!("{}.{}", quote(schema), quote(name));
        let visible = visible_rows(&self.caller, &quoted, &key, &[], "true").await;
        let held = self.rows(table);
        let differing = |key: &&String| held.get(*key) != visible.get(*key);
        for key in held.keys().chain(visible.keys()).filter(differing) {
            let (held, visible) = (held.get(key).cloned(), visible.get(key).cloned());
            let (held, visible) = (held.unwrap_or_default(), visible.unwrap_or_default());
            let columns = held
                .keys()
                .chain(visible.keys())
                .filter(|name| held.get(*name) != visible.get(*name));
            let columns = columns.map(|name| {
                format!(
                    "{name}: has {:?}, should have {:?}",
                    held.get(name),
                    visible.get(name)
                )
            });
            let columns: Vec<String> = columns.collect();
            panic!(
                "{table} {key} on device {}: {}",
                self.id,
                columns.join("; ")
            );
        }
    }

    /// Mutations that wait for a verdict.
    pub fn pending(&self) -> usize {
        self.outbox.len()
    }

    /// Text of the batch that the next push sends.
    pub fn batch(&self) -> String {
        let mutations: Vec<Value> = self.outbox.iter().map(Mutation::to_json).collect();
        json!({ "v": 1, "mutations": mutations }).to_string()
    }

    /// Sends the outbox and takes in the answer.
    pub async fn push(&mut self) -> PushAnswer {
        self.try_push()
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, where the server may refuse or be gone.
    ///
    /// # Errors
    /// What the server answers; the outbox is as before.
    pub async fn try_push(&mut self) -> Result<PushAnswer, PgError> {
        let text = self.caller.push_text(self.id, &self.batch()).await?;
        let answer = PushAnswer::parse(&text);
        self.take_verdicts(&answer);
        Ok(answer)
    }

    /// Sends the outbox; the answer is lost on the way.
    pub async fn push_losing_the_answer(&self) {
        self.caller.push_text(self.id, &self.batch()).await.unwrap();
    }

    /// Pulls all pages and takes them in.
    pub async fn pull(&mut self) -> PullTotals {
        let acked = self.verdicts.keys().next_back().copied().unwrap_or(0);
        let mut totals = PullTotals::default();
        loop {
            let request = json!({ "cursor": self.cursor, "seen_seq": self.seen_seq.to_string(),
                "push_scopes": self.push_scopes, "limit": self.page_limit });
            let page = self.caller.pull(self.id, &request).await;
            self.take_page(&page, &mut totals);
            if !page.has_more {
                break;
            }
        }
        // Whatever had a verdict before this pull began is in its rows now, but for what is deferred.
        let waiting = self.deferred.keys().next().map_or(acked, |seq| seq - 1);
        self.seen_seq = self.seen_seq.max(acked.min(waiting));
        totals
    }

    /// Pushes what there is and pulls.
    pub async fn sync(&mut self) -> PullTotals {
        if !self.outbox.is_empty() {
            self.push().await;
        }
        self.pull().await
    }

    /// Takes in the answer to a push.
    pub fn take_verdicts(&mut self, answer: &PushAnswer) {
        for verdict in &answer.results {
            let seq: u64 = verdict.seq.parse().unwrap();
            let at = self.outbox.iter().position(|mutation| mutation.seq == seq);
            let mutation = match at {
                Some(at) => self.outbox.remove(at),
                None => self
                    .deferred
                    .remove(&seq)
                    .unwrap_or_else(|| panic!("nobody sent {seq}")),
            };
            match verdict.status.as_str() {
                "applied" | "merged" | "conflict" => self.confirm(&mutation, verdict),
                "deferred" => drop(self.deferred.insert(seq, mutation)),
                "duplicate" if verdict.was.as_deref() == Some("deferred") => {
                    self.deferred.insert(seq, mutation);
                }
                "duplicate" | "rejected" => {}
                other => panic!("unknown status {other}"),
            }
            self.verdicts.insert(seq, verdict.clone());
        }
        // The effect of a duplicate or a deferred mutation is known only from a later pull.
        let processed = |seq| {
            let verdict: Option<&Verdict> = self.verdicts.get(&seq);
            verdict
                .is_some_and(|verdict| !matches!(verdict.status.as_str(), "duplicate" | "deferred"))
        };
        self.seen_seq = (self.seen_seq..)
            .find(|seq| !processed(seq + 1))
            .unwrap_or(self.seen_seq);
    }

    fn confirm(&mut self, mutation: &Mutation, verdict: &Verdict) {
        let place = self.place(&mutation.table, &mutation.key);
        let known = self.rows.remove(&place);
        let scope = verdict
            .scope
            .clone()
            .or(known.as_ref().map(|row| row.scope.clone()));
        let columns = match &verdict.row {
            Some(row) => row.as_ref().map(|row| row_columns(row)),
            None => compute(known.map(|row| row.columns), mutation),
        };
        if let (Some(columns), Some(version)) = (columns, verdict.version.clone()) {
            let scope = scope.unwrap_or_default();
            let place = (place.0, key_text(&columns, &self.keys[&mutation.table]));
            self.rows.insert(
                place,
                LocalRow {
                    scope,
                    version,
                    columns,
                },
            );
        }
    }

    fn take_page(&mut self, page: &PullAnswer, totals: &mut PullTotals) {
        totals.pages += 1;
        if page.reset {
            totals.reset = true;
            self.rows.clear();
        }
        if let Some(schema) = &page.schema {
            self.learn_keys(schema);
        }
        let before = self.rows.len();
        self.rows
            .retain(|_, row| !page.revoked_scopes.contains(&row.scope));
        totals.evicts += before - self.rows.len();
        for set in &page.changes {
            for gone in set.deletes.iter().chain(&set.evicts) {
                let place = self.place(&set.table, &gone.key);
                self.rows.remove(&place);
            }
            for upsert in &set.upserts {
                let columns = row_columns(&upsert.row);
                let key = key_text(&columns, &self.keys[&set.table]);
                let (scope, version) = (set.scope.clone(), upsert.version.clone());
                let row = LocalRow {
                    scope,
                    version,
                    columns,
                };
                self.rows.insert((set.table.clone(), key), row);
            }
            totals.upserts += set.upserts.len();
            totals.deletes += set.deletes.len();
            totals.evicts += set.evicts.len();
        }
        self.cursor = Some(page.cursor.clone());
    }

    fn learn_keys(&mut self, schema: &Value) {
        for (table, about) in schema["tables"].as_object().unwrap() {
            let key = about["key"].as_array().unwrap().iter();
            let key = key.map(|name| name.as_str().unwrap().to_owned()).collect();
            self.keys.insert(table.clone(), key);
        }
    }

    fn place(&self, table: &str, key: &Value) -> (String, String) {
        let columns: Columns = key.as_object().unwrap().iter().map(raw).collect();
        (table.to_owned(), key_text(&columns, &self.keys[table]))
    }
}

fn raw((name, value): (&String, &Value)) -> (String, String) {
    (name.clone(), value.to_string())
}

/// What a device makes of a row by itself.
fn compute(columns: Option<Columns>, mutation: &Mutation) -> Option<Columns> {
    let patch = mutation.patch.as_object().into_iter().flatten().map(raw);
    match (mutation.op, columns) {
        (Op::Delete, _) => None,
        (Op::Update, None) => None,
        (Op::Insert, _) | (Op::Upsert, None) => {
            let key = mutation.key.as_object().into_iter().flatten().map(raw);
            Some(key.chain(patch).collect())
        }
        (Op::Update | Op::Upsert, Some(mut columns)) => {
            columns.extend(patch);
            Some(columns)
        }
    }
}
