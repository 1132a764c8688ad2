//! What a device does when it is connected: it sends its outbox, takes in verdicts and pages, and keeps its rows as the
//! protocol says.

use serde_json::{Value, json};

use crate::answers::{PullAnswer, PushAnswer, Verdict};
use crate::device::{Device, LocalRow, PullTotals, raw};
use crate::error::PgError;
use crate::oracle::{Columns, key_text, row_columns};
use crate::outbox::{Mutation, Op};

impl Device {
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
        while self.pull_page(&mut totals).await {}
        // Whatever had a verdict before this pull began is in its rows now, but for what is deferred.
        let waiting = self.deferred.keys().next().map_or(acked, |seq| seq - 1);
        self.seen_seq = self.seen_seq.max(acked.min(waiting));
        totals
    }

    /// Pulls one page and takes it in. Whether another one follows.
    pub async fn pull_page(&mut self, totals: &mut PullTotals) -> bool {
        let request = json!({ "cursor": self.cursor, "seen_seq": self.seen_seq.to_string(),
            "push_scopes": self.push_scopes, "limit": self.page_limit });
        let page = self.caller.pull(self.id, &request).await;
        self.take_page(&page, totals);
        page.has_more
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
}

/// What a device makes of a row by itself.
pub(crate) fn compute(columns: Option<Columns>, mutation: &Mutation) -> Option<Columns> {
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
