//! The cases of `testdata/vectors`: the same are run through SQL and in the browser.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use offline_sync_core::batch::{Op, parse_batch};
use offline_sync_core::clock::{self, Hlc};
use offline_sync_core::exact::ValueForm;
use offline_sync_core::limits::Limits;
use offline_sync_core::merge::{Action, Decided, TablePolicy, decide_run};
use offline_sync_core::plan::plan;
use offline_sync_core::tables::Tables;
use offline_sync_core::{CoreError, diff};
use serde_json::{Value, json};

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

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a string: {value}"))
        .to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| text(value).parse().unwrap())
}

fn hlc(value: &Value) -> Hlc {
    Hlc::parse(&text(value)).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

/// JSON texts as the text of one array.
fn array(value: &Value) -> String {
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

fn run(function: &str, input: &Value) -> Result<Value, CoreError> {
    Ok(match function {
        "decide" => return decide(input),
        "tick" => json!(clock::tick(hlc(&input["state"]), number(&input["now_ms"])).to_string()),
        "observe" => {
            let (state, remote) = (hlc(&input["state"]), hlc(&input["remote"]));
            json!(clock::observe(state, remote, number(&input["now_ms"])).to_string())
        }
        "clamp" => {
            let (now_ms, bound_ms) = (number(&input["now_ms"]), number(&input["bound_ms"]));
            let clamped = clock::clamp(hlc(&input["claimed"]), now_ms, bound_ms);
            json!({ "hlc": clamped.hlc.to_string(), "skewed": clamped.skewed })
        }
        "parse_hlc" => json!(Hlc::parse(&text(input)).map(|hlc| hlc.to_string())),
        "diff" => json!(
            diff::row_diff(&text(&input["old"]), &text(&input["new"]))?.map(
                |found| json!({ "old": found.old, "new": found.new, "columns": found.columns })
            )
        ),
        "stamp" => json!(diff::stamp_columns(
            &strings(&input["columns"]),
            text(&input["version"]).parse().unwrap(),
            text(&input["hlc"]).parse().unwrap(),
            input["device"].as_str(),
        )),
        "canonical_key" => canonical_key(input)?,
        "canonical_value" => {
            let form: ValueForm = serde_json::from_value(input["form"].clone()).unwrap();
            json!(form.canonical(&text(&input["value"])))
        }
        "check_policy" => {
            TablePolicy::parse(&text(input))?;
            Value::Null
        }
        other => panic!("no such function: {other}"),
    })
}

fn canonical_key(input: &Value) -> Result<Value, CoreError> {
    let tables = json!([{ "id": 1, "name": "public.t", "key": input["columns"] }]).to_string();
    let batch = format!(
        r#"{{"v":1,"mutations":[{{"seq":"1","op":"delete","table":"public.t","key":{}}}]}}"#,
        text(&input["key"])
    );
    let planned = plan(
        &parse_batch(&batch, &Limits::default())?,
        &Tables::parse(&tables)?,
        0,
    )?;
    Ok(json!(planned.runs.first().map(|run| run.keys[0].clone())))
}

fn decide(input: &Value) -> Result<Value, CoreError> {
    let mutations = input["mutations"].as_array().unwrap();
    let each = |name: &str| -> Vec<Option<String>> {
        let values = mutations.iter().map(|mutation| &mutation[name]);
        values
            .map(|value| (!value.is_null()).then(|| text(value)))
            .collect()
    };
    let numbers = |name: &str| -> Vec<Option<u64>> {
        let texts = each(name).into_iter();
        texts
            .map(|value| value.map(|digits| digits.parse().unwrap()))
            .collect()
    };
    let keys: Vec<String> = each("key").into_iter().map(Option::unwrap).collect();
    let seqs: Vec<u64> = numbers("seq").into_iter().map(Option::unwrap).collect();
    let bases: Vec<Option<i64>> = numbers("base")
        .into_iter()
        .map(|base| base.map(|base| i64::try_from(base).unwrap()))
        .collect();
    let rows: Vec<String> = each("row").into_iter().map(Option::unwrap).collect();
    let befores = each("before");
    let befores = befores.iter().any(Option::is_some).then(|| {
        let texts = befores.iter().map(|before| before.as_deref().unwrap_or("null"));
        format!("[{}]", texts.collect::<Vec<_>>().join(","))
    });
    let decided = decide_run(
        Op::from_str(&text(&input["op"]))?,
        &text(&input["policy"]),
        &text(&input["device"]),
        number(&input["now_hlc"]),
        number(&input["bound_ms"]),
        &keys,
        &seqs,
        &bases,
        &numbers("hlc"),
        &format!("[{}]", rows.join(",")),
        befores.as_deref(),
        &array(&input["current"]),
        &array(&input["states"]),
        &strings(&input["key_columns"]),
    )?;
    Ok(decided.iter().map(decided_value).collect())
}

fn decided_value(decided: &Decided) -> Value {
    let decision = &decided.decision;
    let action = match decision.action {
        Action::Update => "update",
        Action::Insert => "insert",
        Action::Delete => "delete",
        Action::Resurrect => "resurrect",
        Action::Nothing => "nothing",
        Action::Reject { code, .. } => return json!({ "action": "reject", "code": code }),
    };
    let columns: BTreeMap<&str, &str> = decision
        .columns
        .iter()
        .map(|(column, outcome)| (column.as_str(), outcome.as_str()))
        .collect();
    json!({
        "action": action,
        "status": decision.status.as_str(),
        "version": decided.version.map(|version| version.to_string()),
        "hlc": decision.hlc.to_string(),
        "row": decided.row_json(),
        "columns": (!columns.is_empty()).then_some(columns),
        "contested": decided.contested_json(),
        "restamp": (!decision.restamp.is_empty()).then_some(&decision.restamp),
        "return_row": decision.return_row,
    })
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

#[test]
fn every_vector_has_the_answer_that_it_states() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/vectors");
    let mut names = BTreeMap::new();
    let mut failed = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let cases: Vec<Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for mut case in cases {
            let name = text(&case["name"]);
            let known = names.insert(name.clone(), file.clone());
            assert_eq!(known, None, "two cases are called {name}");
            let marks = marks(&case);
            expand(&mut case["in"], &marks);
            expand(&mut case["out"], &marks);
            let found = match run(&text(&case["fn"]), &case["in"]) {
                Ok(out) => json!({ "out": without_nulls(out) }),
                Err(error) => json!({ "error": error.sqlstate() }),
            };
            let wanted = match case.get("error") {
                Some(code) => json!({ "error": code }),
                None => json!({ "out": expected(&case) }),
            };
            if found != wanted {
                failed.push(format!(
                    "{file}: {name}\nexpected {}\nfound    {}",
                    short(&wanted),
                    short(&found)
                ));
            }
        }
    }
    assert!(names.len() >= 100, "{} cases found", names.len());
    assert!(
        failed.is_empty(),
        "{} of {} cases failed\n{}",
        failed.len(),
        names.len(),
        failed.join("\n")
    );
}
