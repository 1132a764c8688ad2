//! Answers of the API. Rows stay raw JSON, so that tests can compare them letter by letter.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Answer of `offline.push`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushAnswer {
    /// Epoch of the database.
    pub epoch: String,
    /// The server's time.
    pub server_now: String,
    /// The server's clock.
    pub server_hlc: String,
    /// Last seq that has a verdict.
    pub acked_seq: String,
    /// Head of the MAC chain.
    pub mac: Option<String>,
    /// A verdict for each mutation.
    pub results: Vec<Verdict>,
}

impl PushAnswer {
    /// Reads an answer strictly.
    pub fn parse(text: &str) -> PushAnswer {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:.2000}"))
    }

    /// The verdict on a mutation. Every mutation of a batch has exactly one.
    pub fn verdict(&self, seq: u64) -> &Verdict {
        let seq = seq.to_string();
        let mut found = self.results.iter().filter(|verdict| verdict.seq == seq);
        match (found.next(), found.next()) {
            (Some(verdict), None) => verdict,
            _ => panic!("one verdict on {seq} expected in {:?}", self.results),
        }
    }

    /// Status of a mutation, with the SQLSTATE where there is one: `applied`, `rejected 23514`.
    pub fn status(&self, seq: u64) -> String {
        self.verdict(seq).summary()
    }

    /// All statuses, in the order of seq.
    pub fn statuses(&self) -> Vec<String> {
        let mut verdicts: Vec<&Verdict> = self.results.iter().collect();
        verdicts.sort_by_key(|verdict| verdict.seq.parse::<u64>().unwrap());
        verdicts.into_iter().map(Verdict::summary).collect()
    }

    /// How many results have this summary.
    pub fn count(&self, summary: &str) -> usize {
        self.results
            .iter()
            .filter(|verdict| verdict.summary() == summary)
            .count()
    }
}

/// Verdict on one mutation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The mutation.
    pub seq: String,
    /// `applied`, `merged`, `conflict`, `duplicate`, `deferred` or `rejected`.
    pub status: String,
    /// For duplicates: what the first answer said.
    pub was: Option<String>,
    /// Version of the row now.
    pub version: Option<String>,
    /// Scope of the row now.
    pub scope: Option<String>,
    /// The conflict that a person has to decide.
    pub conflict_id: Option<uuid::Uuid>,
    /// How contested columns went.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// The row now: absent when it is what the device computes, null when there is none to see.
    #[serde(default, deserialize_with = "present")]
    pub row: Option<Option<Box<RawValue>>>,
    /// Why it was not applied.
    pub error: Option<Value>,
}

impl Verdict {
    /// Status and SQLSTATE, `duplicate` with what it was.
    pub fn summary(&self) -> String {
        let code = self.error.as_ref().and_then(|error| error["code"].as_str());
        match (&self.was, code) {
            (Some(was), _) => format!("{} of {was}", self.status),
            (None, Some(code)) => format!("{} {code}", self.status),
            (None, None) => self.status.clone(),
        }
    }

    /// The row in the answer, null when it has none.
    pub fn row_json(&self) -> Value {
        match &self.row {
            Some(Some(row)) => serde_json::from_str(row.get()).unwrap(),
            _ => Value::Null,
        }
    }
}

fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Box<RawValue>>>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(Some((raw.get() != "null").then_some(raw)))
}

/// Answer of `offline.pull`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullAnswer {
    /// Epoch of the database.
    pub epoch: String,
    /// The cursor was of another epoch: what the device has is void.
    pub reset: bool,
    /// The server's time.
    pub server_now: String,
    /// The server's clock.
    pub server_hlc: String,
    /// Where to go on.
    pub cursor: String,
    /// Whether another page follows.
    pub has_more: bool,
    /// What changed.
    pub changes: Vec<ChangeSet>,
    /// Scopes that the caller has no more.
    pub revoked_scopes: Vec<String>,
    /// Pending conflicts of the caller.
    pub conflicts: u64,
    /// Models to fetch.
    pub models: Vec<Value>,
    /// Tables, when they changed.
    pub schema: Option<Value>,
    /// Wake-up topics, when they changed.
    pub topics: Option<Vec<String>>,
}

impl PullAnswer {
    /// Reads an answer strictly.
    pub fn parse(text: &str) -> PullAnswer {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:.2000}"))
    }

    /// Rows of one column of all upserts, sorted.
    pub fn upserted(&self, column: &str) -> Vec<String> {
        let upserts = self.changes.iter().flat_map(|set| &set.upserts);
        sorted(upserts.map(|upsert| text_of(&upsert.json()[column])))
    }

    /// One key column of all deletions, sorted.
    pub fn deleted(&self, column: &str) -> Vec<String> {
        let deletes = self.changes.iter().flat_map(|set| &set.deletes);
        sorted(deletes.map(|deletion| text_of(&deletion.key[column])))
    }

    /// One key column of all evictions, sorted.
    pub fn evicted(&self, column: &str) -> Vec<String> {
        let evicts = self.changes.iter().flat_map(|set| &set.evicts);
        sorted(evicts.map(|eviction| text_of(&eviction.key[column])))
    }

    /// Whether nothing is told.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.revoked_scopes.is_empty() && !self.has_more
    }

    /// Rows, deletions and evictions in the answer.
    pub fn len(&self) -> usize {
        let sizes = self.changes.iter();
        sizes
            .map(|set| set.upserts.len() + set.deletes.len() + set.evicts.len())
            .sum()
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

/// A JSON scalar without quotes.
fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Changes of one table in one scope.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSet {
    /// Qualified name.
    pub table: String,
    /// Scope.
    pub scope: String,
    /// Rows as they are now.
    #[serde(default)]
    pub upserts: Vec<Upsert>,
    /// Rows that are gone.
    #[serde(default)]
    pub deletes: Vec<Deletion>,
    /// Rows that the caller may not see any more.
    #[serde(default)]
    pub evicts: Vec<Deletion>,
}

/// A row as it is now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsert {
    /// Its version.
    pub version: String,
    /// The row.
    pub row: Box<RawValue>,
}

impl Upsert {
    /// The row.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.row.get()).unwrap()
    }
}

/// A row that is gone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deletion {
    /// Its last version; evictions have none.
    pub version: Option<String>,
    /// Its key.
    pub key: Value,
}
