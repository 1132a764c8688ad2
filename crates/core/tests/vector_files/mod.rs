//! The files of `testdata/vectors`: reading them, and judging answers. Also for the runner through SQL.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

/// So many there are at least: a runner that finds fewer has lost some.
const CASES_MIN: usize = 200;

pub struct Case {
    pub name: String,
    pub function: String,
    pub input: Value,
    /// What the answer has to be.
    wanted: Value,
}

/// All cases.
pub fn all() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder
        .ancestors()
        .map(|up| up.join("testdata/vectors"))
        .find(|at| at.is_dir());
    let mut names = BTreeMap::new();
    let mut cases = Vec::new();
    for file in std::fs::read_dir(folder.unwrap()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let read = std::fs::read_to_string(&path).unwrap();
        for case in serde_json::from_str::<Vec<Value>>(&read).unwrap() {
            let case = Case::read(&file, case);
            let known = names.insert(case.name.clone(), file.clone());
            assert_eq!(known, None, "two cases are called {}", case.name);
            cases.push(case);
        }
    }
    assert!(cases.len() >= CASES_MIN, "only {} cases found", cases.len());
    cases
}

impl Case {
    fn read(file: &str, mut case: Value) -> Case {
        let marks = marks(&case);
        expand(&mut case["in"], &marks);
        expand(&mut case["out"], &marks);
        let wanted = match case.get("error") {
            Some(code) => json!({ "error": code }),
            None => json!({ "out": expected(&case) }),
        };
        Case {
            name: format!("{file}: {}", text(&case["name"])),
            function: text(&case["fn"]),
            input: case["in"].take(),
            wanted,
        }
    }

    /// What is wrong with a host's answer, which is a value or an SQLSTATE.
    pub fn failure(&self, answer: Result<Value, String>) -> Option<String> {
        let found = match answer {
            Ok(out) => json!({ "out": without_nulls(out) }),
            Err(code) => json!({ "error": code }),
        };
        let (name, wanted) = (&self.name, &self.wanted);
        (found != *wanted).then(|| {
            format!(
                "{name}\nexpected {}\nfound    {}",
                short(wanted),
                short(&found)
            )
        })
    }
}

pub fn assert_none(failed: &[String], of: usize) {
    assert!(
        failed.is_empty(),
        "{} of {of} cases failed\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Replaces the marks of `expand` in every string.
fn expand(value: &mut Value, marks: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (mark, with) in marks {
                if text.contains(mark) {
                    *text = text.replace(mark, with);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| expand(item, marks)),
        Value::Object(map) => map.values_mut().for_each(|item| expand(item, marks)),
        _ => {}
    }
}

fn marks(case: &Value) -> Vec<(String, String)> {
    let list = case["expand"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|mark| {
            let times = usize::try_from(mark[2].as_u64().unwrap()).unwrap();
            (text(&mark[0]), mark[1].as_str().unwrap().repeat(times))
        })
        .collect()
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a string: {value}"))
        .to_owned()
}

pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| text(value).parse().unwrap())
}

pub fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

/// JSON texts as the text of one array.
pub fn array(value: &Value) -> String {
    format!("[{}]", strings(value).join(","))
}

/// Drops the absent members, so that null and absent are the same.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(without_nulls).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, item)| !item.is_null())
            .map(|(name, item)| (name, without_nulls(item)))
            .collect(),
        other => other,
    }
}

/// The expected answer in the form of the host's: arrays of JSON texts as one text.
fn expected(case: &Value) -> Value {
    let mut out = case["out"].clone();
    if case["fn"] == "decide" {
        for entry in out.as_array_mut().unwrap() {
            for name in ["contested", "calls"] {
                if let Some(list) = entry.get(name) {
                    entry[name] = json!(array(list));
                }
            }
        }
    }
    without_nulls(out)
}

/// A long value cut to its ends.
fn short(value: &Value) -> String {
    let whole = serde_json::to_string_pretty(value).unwrap();
    if whole.len() < 4_000 {
        return whole;
    }
    let head: String = whole.chars().take(2_000).collect();
    format!("{head}… ({} bytes)", whole.len())
}
