//! A server of one row: applies decisions the way the database does.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Decided, decide_run};

/// What the server shows as its time unless a test sets it.
pub const NOW_MS: u64 = 1_800_000_000_000;
pub const BOUND_MS: u64 = 60_000;

/// A clock value of a millisecond.
pub fn at(ms: u64) -> u64 {
    ms << 16
}

#[derive(Clone, Debug)]
pub struct Edit {
    pub op: Op,
    pub device: String,
    pub base: Option<i64>,
    pub hlc: Option<u64>,
    pub patch: Vec<(String, String)>,
    pub before: Option<Vec<(String, String)>>,
}

impl Edit {
    /// An update of one column by a device that saw version 1.
    pub fn of(device: &str, hlc: u64, column: &str, value: &str) -> Edit {
        Edit {
            op: Op::Update,
            device: device.to_owned(),
            base: Some(1),
            hlc: Some(hlc),
            patch: vec![(column.to_owned(), value.to_owned())],
            before: None,
        }
    }

    pub fn delete(device: &str, hlc: u64) -> Edit {
        Edit {
            op: Op::Delete,
            patch: Vec::new(),
            ..Edit::of(device, hlc, "", "")
        }
    }

    pub fn upsert(self) -> Edit {
        Edit {
            op: Op::Upsert,
            ..self
        }
    }

    pub fn seeing(self, base: Option<i64>) -> Edit {
        Edit { base, ..self }
    }

    pub fn before(self, value: &str) -> Edit {
        let before = Some(vec![(self.patch[0].0.clone(), value.to_owned())]);
        Edit { before, ..self }
    }
}

type Mark = (i64, u64, Option<String>);

/// The state of row `k`, which begins at version 1 by no device.
#[derive(Clone, Debug)]
pub struct Server {
    pub policy: String,
    pub now_ms: u64,
    pub row: Option<BTreeMap<String, String>>,
    pub known: bool,
    pub visible: bool,
    pub version: i64,
    pub hlc: u64,
    /// Who made the last change.
    pub device: Option<String>,
    pub life: Mark,
    pub clocks: BTreeMap<String, Mark>,
    /// What history gives for the base version.
    pub base: Option<BTreeMap<String, String>>,
}

impl Server {
    pub fn new(policy: &str, values: &[(&str, &str)]) -> Server {
        let row = values
            .iter()
            .map(|(c, v)| ((*c).to_owned(), (*v).to_owned()))
            .collect();
        Server {
            policy: policy.to_owned(),
            now_ms: NOW_MS,
            row: Some(row),
            known: true,
            visible: true,
            version: 1,
            hlc: at(1_000),
            device: None,
            life: (1, at(1_000), None),
            clocks: BTreeMap::new(),
            base: None,
        }
    }

    /// Another device changed `x` from `base` to `theirs` since version 1; `y` is 0.
    pub fn contested(policy: &str, base: &str, theirs: &str, their_ms: u64) -> Server {
        let policy = format!("{{\"default\":{policy}}}");
        let mut server = Server::new(&policy, &[("x", base), ("y", "0")]);
        server.push(&Edit::of("them", at(their_ms), "x", theirs));
        server
    }

    pub fn value(&self, column: &str) -> &str {
        &self.row.as_ref().unwrap()[column]
    }

    /// Decides one edit without applying it.
    pub fn decide(&self, edit: &Edit) -> Decided {
        let rows = format!("[{{\"id\":\"k\"{}}}]", members(&edit.patch, ","));
        let befores = edit
            .before
            .as_ref()
            .map(|before| format!("[{{{}}}]", members(before, "")));
        let decided = decide_run(
            edit.op,
            &self.policy,
            &edit.device,
            at(self.now_ms),
            BOUND_MS,
            &["k".to_owned()],
            &[1],
            &[edit.base],
            &[edit.hlc],
            &rows,
            befores.as_deref(),
            &self.current_json(),
            &self.state_json(),
            &["id".to_owned()],
            None,
        );
        decided.unwrap().remove(0)
    }

    /// Decides and applies one edit.
    pub fn push(&mut self, edit: &Edit) -> Decided {
        let decided = self.decide(edit);
        let decision = &decided.decision;
        match decision.action {
            Action::Update => self.write(&decision.row, decision.hlc, &edit.device),
            Action::Insert => self.start_life(BTreeMap::new(), decision.hlc, edit),
            Action::Delete => {
                self.version += 1;
                self.device = Some(edit.device.clone());
                self.base = self.row.take();
            }
            Action::Resurrect => {
                self.row = Some(self.base.take().unwrap_or_default());
                self.version += 1;
                self.write(&decision.row, decision.hlc, &edit.device);
            }
            Action::Nothing | Action::Reject { .. } => {}
        }
        if !decision.restamp.is_empty() {
            self.version += 1;
            self.hlc = self.hlc.max(decision.hlc);
            self.device = Some(edit.device.clone());
        }
        for column in &decision.restamp {
            let mark = (self.version, decision.hlc, Some(edit.device.clone()));
            self.clocks.insert(column.clone(), mark);
        }
        decided
    }

    /// Only columns that change get a stamp, and only a row that changes gets a version.
    fn write(&mut self, values: &[(String, String)], hlc: u64, device: &str) {
        let version = self.version + 1;
        let row = self.row.as_mut().unwrap();
        for (column, value) in values {
            if row.insert(column.clone(), value.clone()).as_ref() != Some(value) {
                self.clocks
                    .insert(column.clone(), (version, hlc, Some(device.to_owned())));
                self.version = version;
                self.hlc = self.hlc.max(hlc);
                self.device = Some(device.to_owned());
            }
        }
    }

    fn start_life(&mut self, mut row: BTreeMap<String, String>, hlc: u64, edit: &Edit) {
        self.version += 1;
        self.known = true;
        self.device = Some(edit.device.clone());
        self.life = (self.version, hlc, Some(edit.device.clone()));
        self.clocks.clear();
        row.extend(edit.patch.iter().cloned());
        self.row = Some(row);
    }

    fn current_json(&self) -> String {
        match &self.row {
            Some(row) if self.visible => {
                let pairs: Vec<_> = row.clone().into_iter().collect();
                format!(
                    "[{{\"k\":\"k\",\"r\":{{\"id\":\"k\"{}}}}}]",
                    members(&pairs, ",")
                )
            }
            _ => "[]".to_owned(),
        }
    }

    fn state_json(&self) -> String {
        if !self.known {
            return "[]".to_owned();
        }
        let clocks: Vec<_> = self
            .clocks
            .iter()
            .map(|(c, mark)| (c.clone(), mark_json(mark)))
            .collect();
        let base = self.base.as_ref().map(|base| {
            let pairs: Vec<_> = base.clone().into_iter().collect();
            format!("{{{}}}", members(&pairs, ""))
        });
        format!(
            r#"[{{"key":"k","version":{},"hlc":{},"deleted":{},"device":{},"life":{},"clocks":{{{}}},"base":{}}}]"#,
            self.version,
            self.hlc,
            self.row.is_none(),
            self.device
                .as_ref()
                .map_or("null".to_owned(), |device| format!("\"{device}\"")),
            mark_json(&self.life),
            members(&clocks, ""),
            base.unwrap_or_else(|| "null".to_owned()),
        )
    }
}

fn mark_json((version, hlc, device): &Mark) -> String {
    match device {
        Some(device) => format!("[{version},{hlc},\"{device}\"]"),
        None => format!("[{version},{hlc},null]"),
    }
}

fn members(pairs: &[(String, String)], lead: &str) -> String {
    let written: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    if written.is_empty() {
        String::new()
    } else {
        format!("{lead}{}", written.join(","))
    }
}

/// All edits in an order that keeps each device's own; `picks` chooses whose edit arrives next.
pub fn interleaved<T: Clone>(histories: &[Vec<T>], picks: &[proptest::sample::Index]) -> Vec<T> {
    let mut waiting: Vec<_> = histories
        .iter()
        .map(|edits| edits.iter().peekable())
        .collect();
    let mut order = Vec::new();
    let mut picks = picks.iter().cycle();
    loop {
        waiting.retain_mut(|edits| edits.peek().is_some());
        if waiting.is_empty() {
            return order;
        }
        let pick = picks.next().unwrap().index(waiting.len());
        order.extend(waiting[pick].next().cloned());
    }
}
