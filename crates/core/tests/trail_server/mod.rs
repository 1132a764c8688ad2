//! A server of one row that keeps the history of every column, as the database does.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Decided, decide_run};

use crate::support::{BOUND_MS, NOW_MS, at};

/// An update of `x` by a device that saw version 1 and made its own edits since.
#[derive(Clone, Debug)]
pub struct Edit {
    pub device: &'static str,
    pub ms: u64,
    pub before: Option<String>,
    pub value: String,
}

struct Write {
    version: i64,
    hlc: u64,
    device: Option<&'static str>,
    old: String,
}

/// Row `k` with one column `x`, which begins at version 1 by no device.
pub struct Server {
    pub policy: String,
    pub value: String,
    /// Whether the server still has the value of version 1.
    pub knows_base: bool,
    /// Whether the devices saw version 1, or never saw the row.
    pub was_seen: bool,
    start: String,
    stamp: (i64, u64, Option<&'static str>),
    writes: Vec<Write>,
}

impl Server {
    pub fn new(policy: &str, value: &str) -> Server {
        Server {
            policy: format!("{{\"default\":{policy}}}"),
            value: value.to_owned(),
            knows_base: true,
            was_seen: true,
            start: value.to_owned(),
            stamp: (1, at(1_000), None),
            writes: Vec::new(),
        }
    }

    pub fn decide(&self, edit: &Edit, answers: Option<&str>) -> Decided {
        let rows = format!(r#"[{{"id":"k","x":{}}}]"#, edit.value);
        let befores = edit.before.as_ref().map(|x| format!(r#"[{{"x":{x}}}]"#));
        let current = format!(r#"[{{"k":"k","r":{{"id":"k","x":{}}}}}]"#, self.value);
        let decided = decide_run(
            Op::Update,
            &self.policy,
            edit.device,
            at(NOW_MS),
            BOUND_MS,
            &["k".to_owned()],
            &[1],
            &[self.was_seen.then_some(1)],
            &[Some(at(edit.ms))],
            &rows,
            befores.as_deref(),
            &current,
            &self.state(),
            &["id".to_owned()],
            answers,
        );
        decided.unwrap().remove(0)
    }

    pub fn push(&mut self, edit: &Edit) -> Decided {
        let decided = self.decide(edit, None);
        let value = decided.decision.row.iter().find(|(c, _)| c == "x").unwrap();
        let (version, hlc) = (self.stamp.0, decided.decision.hlc);
        if value.1 != self.value {
            self.writes.push(Write {
                version: version + 1,
                hlc,
                device: Some(edit.device),
                old: std::mem::replace(&mut self.value, value.1.clone()),
            });
            self.stamp = (version + 1, hlc, Some(edit.device));
        } else if decided.decision.restamp.iter().any(|c| c == "x") {
            self.stamp = (version, hlc, Some(edit.device));
        }
        decided
    }

    fn state(&self) -> String {
        let mark = |(version, hlc, device): (i64, u64, Option<&str>)| {
            let device = device.map_or("null".to_owned(), |d| format!("\"{d}\""));
            format!("{version},{hlc},{device}")
        };
        let each = self.writes.iter().map(|w| {
            let written = mark((w.version, w.hlc, w.device));
            format!("[{written},{}]", w.old)
        });
        let base = match self.knows_base {
            true => format!(r#"{{"x":{}}}"#, self.start),
            false => "null".to_owned(),
        };
        format!(
            r#"[{{"key":"k","version":{},"hlc":{},"deleted":false,"device":null,"life":[1,{},null],"clocks":{{"x":[{}]}},"base":{base},"trail":{{"x":[{}]}}}}]"#,
            self.stamp.0,
            self.stamp.1,
            at(1_000),
            mark(self.stamp),
            each.collect::<Vec<_>>().join(","),
        )
    }
}

/// What a server that begins with `start` holds after the edits in that order.
pub fn end_of(policy: &str, start: &str, order: &[Edit]) -> String {
    let mut server = Server::new(policy, start);
    for edit in order {
        server.push(edit);
    }
    server.value
}

/// Turns what each device makes of its own view, one value after the other, into edits.
pub fn edits(device: &'static str, start: &str, values: &[(u64, String)]) -> Vec<Edit> {
    let mut view = start.to_owned();
    let mut all = Vec::new();
    for (ms, value) in values {
        let before = Some(std::mem::replace(&mut view, value.clone()));
        let value = value.clone();
        all.push(Edit {
            device,
            ms: *ms,
            before,
            value,
        });
    }
    all
}
