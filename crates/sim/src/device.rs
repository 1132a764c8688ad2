//! A device: an outbox, rows as the server confirmed them, a clock that may be wrong. Everything but the request under way is
//! durable.

use std::collections::BTreeMap;

use offline_sync_core::clock::{self, Hlc};

use crate::answer::{PullAnswer, PullRequest, PushAnswer, Verdict};
use crate::step::Shape;
use crate::table::{COLUMNS, Raw, Row, TABLE, TEAM, defaults, json_of, laid_over};

/// Kind of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new row.
    Insert,
    /// Columns of a row.
    Update,
    /// Columns of a row that may not exist.
    Upsert,
    /// Removal.
    Delete,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Op::Insert => "insert",
            Op::Update => "update",
            Op::Upsert => "upsert",
            Op::Delete => "delete",
        }
    }
}

/// What a mutation hangs together with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// Mutations that it requires.
    pub after: Vec<u64>,
    /// First seq of its atomic group.
    pub group: Option<u64>,
}

/// A mutation in the outbox.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// Number within the device.
    pub seq: u64,
    /// Kind.
    pub op: Op,
    /// Row.
    pub key: Raw,
    /// Changed columns.
    pub patch: Vec<(usize, Raw)>,
    /// First seq of its atomic group.
    pub group: Option<u64>,
    /// As it travels.
    wire: String,
}

/// A row that the server confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRow {
    /// Scope that it came with.
    pub scope: Raw,
    /// Its version.
    pub version: i64,
    /// Its values.
    pub row: Row,
}

/// A device of one user.
pub struct Device {
    /// Confirmed rows.
    pub rows: BTreeMap<Raw, LocalRow>,
    /// Mutations without a verdict.
    pub outbox: Vec<Mutation>,
    /// Mutations that the server holds back.
    pub deferred: BTreeMap<u64, Mutation>,
    /// Number of the last mutation.
    pub last_seq: u64,
    /// Its clock's error in milliseconds.
    pub offset_ms: i64,
    /// Last clock value given out or heard of.
    pub hlc: Hlc,
    /// Whether a pull of several pages is under way.
    pub paging: bool,
    /// Last cursor.
    pub cursor: Option<String>,
    sends_before: bool,
    corrects: bool,
    listens: bool,
    page: usize,
    seen_seq: u64,
    processed: BTreeMap<u64, bool>,
    acked_at_start: u64,
    scopes: Vec<Raw>,
}

impl Device {
    /// Device `at` of a shape, which has nothing yet.
    #[must_use]
    pub fn new(shape: &Shape, at: usize) -> Device {
        Device {
            rows: BTreeMap::new(),
            outbox: Vec::new(),
            deferred: BTreeMap::new(),
            last_seq: 0,
            offset_ms: 0,
            hlc: Hlc(0),
            paging: false,
            cursor: None,
            sends_before: shape.befores[at],
            corrects: shape.corrects[at],
            listens: shape.listens[at],
            page: shape.page[at],
            seen_seq: 0,
            processed: BTreeMap::new(),
            acked_at_start: 0,
            scopes: Vec::new(),
        }
    }

    /// What its clock shows.
    #[must_use]
    pub fn clock_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.offset_ms)
    }

    /// Records a mutation. `lasting`: the row's counts are watched, so the device says what it saw.
    pub fn record(
        &mut self,
        op: Op,
        key: &Raw,
        patch: Vec<(usize, Raw)>,
        ties: &Ties,
        lasting: bool,
        now_ms: u64,
    ) {
        let wall_ms = self.clock_ms(now_ms);
        self.hlc = if self.listens {
            clock::tick(self.hlc, wall_ms)
        } else {
            Hlc(wall_ms << 16)
        };
        self.last_seq += 1;
        let seq = self.last_seq;
        let mut wire = format!(
            "{{\"seq\":\"{seq}\",\"op\":\"{}\",\"table\":\"{TABLE}\",\"key\":{{\"id\":{key}}},\"hlc\":\"{}\"",
            op.name(),
            self.hlc
        );
        if !ties.after.is_empty() {
            let after: Vec<String> = ties.after.iter().map(|seq| format!("\"{seq}\"")).collect();
            wire.push_str(&format!(",\"after\":[{}]", after.join(",")));
        }
        if let Some(group) = ties.group {
            wire.push_str(&format!(",\"group\":\"{group}\""));
        }
        if let Some(known) = self.rows.get(key) {
            wire.push_str(&format!(",\"base\":\"{}\"", known.version));
        }
        if op != Op::Delete {
            wire.push_str(",\"patch\":");
            wire.push_str(&json_of(patch.iter().map(|(at, raw)| (*at, raw))));
        }
        if op != Op::Insert
            && (self.sends_before || lasting)
            && let Some(seen) = self.view(key)
        {
            let columns = seen.iter().enumerate();
            let touched = columns
                .filter(|(at, _)| op == Op::Delete || patch.iter().any(|(other, _)| other == at));
            wire.push_str(",\"before\":");
            wire.push_str(&json_of(touched));
        }
        wire.push('}');
        self.outbox.push(Mutation {
            seq,
            op,
            key: key.clone(),
            patch,
            group: ties.group,
            wire,
        });
    }

    /// A row as the person at the device sees it: confirmed, with the outbox on top.
    #[must_use]
    pub fn view(&self, key: &Raw) -> Option<Row> {
        let confirmed = self.rows.get(key).map(|known| known.row.clone());
        self.outbox
            .iter()
            .filter(|mutation| mutation.key == *key)
            .fold(confirmed, compute)
    }

    /// Whether nothing of what it did waits for a verdict.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.outbox.is_empty() && self.deferred.is_empty()
    }

    /// Text of a batch of the first mutations; their seqs. A group travels in one piece. Where nothing is new, what the server holds
    /// back is repeated: the answer with its verdict may have been lost.
    #[must_use]
    pub fn batch(&self, count: usize) -> (String, Vec<u64>) {
        let waiting: Vec<&Mutation> = if self.outbox.is_empty() {
            self.deferred.values().collect()
        } else {
            self.outbox.iter().collect()
        };
        // A verdict on a deferred mutation may come before those on earlier ones, whose answer was lost: no batch spans the gap.
        let next = waiting.first().map_or(0, |mutation| mutation.seq);
        let together = waiting.iter().zip(next..);
        let together = together.take_while(|(mutation, seq)| mutation.seq == *seq);
        let together = &waiting[..together.count()];
        let mut end = count.min(together.len());
        while let Some(more) = together[end..].iter().rposition(|mutation| {
            let group =
                |other: &&Mutation| mutation.group.is_some() && other.group == mutation.group;
            together[..end].iter().any(group)
        }) {
            end += more + 1;
        }
        let first = &together[..end];
        let mut text = String::from("{\"v\":1,\"mutations\":[");
        for (at, mutation) in first.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(&mutation.wire);
        }
        text.push_str("]}");
        (text, first.iter().map(|mutation| mutation.seq).collect())
    }

    /// The next page to ask for.
    pub fn request(&mut self) -> PullRequest {
        if !self.paging {
            self.acked_at_start = self
                .processed
                .keys()
                .next_back()
                .copied()
                .unwrap_or(self.seen_seq);
        }
        PullRequest {
            cursor: self.cursor.clone(),
            limit: self.page,
            seen_seq: self.seen_seq,
        }
    }

    fn hear(&mut self, server_hlc: u64, now_ms: u64) {
        if self.corrects {
            self.offset_ms = 0;
        }
        if self.listens {
            self.hlc = clock::observe(self.hlc, Hlc(server_hlc), self.clock_ms(now_ms));
        }
    }

    /// Takes in the answer to a push.
    ///
    /// # Errors
    /// What the answer breaks.
    pub fn take_push(&mut self, answer: &PushAnswer, now_ms: u64) -> Result<(), String> {
        self.hear(answer.server_hlc, now_ms);
        for verdict in &answer.results {
            let seq = verdict.seq;
            let at = self.outbox.iter().position(|mutation| mutation.seq == seq);
            let mutation = match at {
                Some(at) => self.outbox.remove(at),
                None => match self.deferred.remove(&seq) {
                    Some(mutation) => mutation,
                    None => return Err(format!("a verdict on {seq}, which waits for none")),
                },
            };
            match verdict.status.as_str() {
                "applied" | "merged" | "conflict" => self.confirm(&mutation, verdict)?,
                "deferred" => drop(self.deferred.insert(seq, mutation)),
                "duplicate" if verdict.was.as_deref() == Some("deferred") => {
                    self.deferred.insert(seq, mutation);
                }
                "duplicate" | "rejected" => {}
                other => return Err(format!("unknown status {other}")),
            }
            // The effect of a duplicate or a deferred mutation is known only from a later pull.
            let known = !matches!(verdict.status.as_str(), "duplicate" | "deferred");
            self.processed.insert(seq, known);
        }
        while self.processed.get(&(self.seen_seq + 1)) == Some(&true) {
            self.seen_seq += 1;
        }
        Ok(())
    }

    fn confirm(&mut self, mutation: &Mutation, verdict: &Verdict) -> Result<(), String> {
        let known = self.rows.remove(&mutation.key);
        if let (Some(known), Some(version)) = (&known, verdict.version)
            && version < known.version
        {
            return Err(format!(
                "a verdict takes {} from version {} back to {version}",
                mutation.key, known.version
            ));
        }
        let scope = verdict.scope.clone();
        let scope = scope.or_else(|| known.as_ref().map(|known| known.scope.clone()));
        let row = match &verdict.row {
            Some(row) => row.clone(),
            None => compute(known.map(|known| known.row), mutation),
        };
        if let (Some(row), Some(version)) = (row, verdict.version) {
            let scope = scope.unwrap_or_else(|| row[TEAM].clone());
            if !self.scopes.contains(&scope) {
                // No cursor covers the scope yet, so no pull could tell that the row is gone from it. The pull that begins
                // with the scope brings the row.
                return Ok(());
            }
            let local = LocalRow {
                scope,
                version,
                row,
            };
            self.rows.insert(mutation.key.clone(), local);
        }
        Ok(())
    }

    /// Takes in a page.
    ///
    /// # Errors
    /// What the page breaks.
    pub fn take_page(&mut self, page: PullAnswer, now_ms: u64) -> Result<(), String> {
        self.hear(page.server_hlc, now_ms);
        self.rows
            .retain(|_, known| !page.revoked_scopes.contains(&known.scope));
        for key in page.deletes.iter().chain(&page.evicts) {
            self.rows.remove(key);
        }
        for upsert in page.upserts {
            if let Some(known) = self.rows.get(&upsert.key)
                && known.version > upsert.version
            {
                return Err(format!(
                    "a pull takes {} from version {} back to {}",
                    upsert.key, known.version, upsert.version
                ));
            }
            let local = LocalRow {
                scope: upsert.scope,
                version: upsert.version,
                row: upsert.row,
            };
            self.rows.insert(upsert.key, local);
        }
        // What the first page says is what the cursor of this pull covers.
        if let Some(scopes) = page.scopes.filter(|_| !self.paging) {
            self.scopes = scopes;
        }
        self.scopes
            .retain(|scope| !page.revoked_scopes.contains(scope));
        self.cursor = Some(page.cursor);
        self.paging = page.has_more;
        if !page.has_more {
            // Whatever had a verdict before this pull began is in its rows now, but for what is deferred.
            let waiting = self.deferred.keys().next().map(|seq| seq - 1);
            let seen = self.acked_at_start.min(waiting.unwrap_or(u64::MAX));
            self.seen_seq = self.seen_seq.max(seen);
            self.processed = self.processed.split_off(&(self.seen_seq + 1));
        }
        Ok(())
    }
}

/// What a device makes of a row by itself.
fn compute(row: Option<Row>, mutation: &Mutation) -> Option<Row> {
    let row = match (mutation.op, row) {
        (Op::Delete, _) | (Op::Update, None) => return None,
        (Op::Insert, _) | (Op::Upsert, None) => defaults(),
        (Op::Update | Op::Upsert, Some(row)) => row,
    };
    Some(laid_over(row, &mutation.patch))
}

/// Columns in which two rows differ.
#[must_use]
pub fn difference(held: &Row, stored: &Row, has: impl Fn(usize) -> bool) -> Option<String> {
    let at = (0..COLUMNS.len()).find(|at| has(*at) && held[*at] != stored[*at])?;
    Some(format!(
        "{}: has {}, should have {}",
        COLUMNS[at].name, held[at], stored[at]
    ))
}
