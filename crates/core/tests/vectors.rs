//! The cases of `testdata/vectors`: the same are run through SQL and in the browser.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

mod vector_files;

use std::collections::BTreeMap;
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
use vector_files::{array, number, strings, text};

fn hlc(value: &Value) -> Hlc {
    Hlc::parse(&text(value)).unwrap()
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
    // A mutation whose key is none at all does not get as far as the plan.
    let Ok(parsed) = parse_batch(&batch, &Limits::default()) else {
        return Ok(Value::Null);
    };
    let planned = plan(&parsed, &Tables::parse(&tables)?, 0)?;
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
        let texts = befores
            .iter()
            .map(|before| before.as_deref().unwrap_or("null"));
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
        (!input["answers"].is_null())
            .then(|| array(&input["answers"]))
            .as_deref(),
    )?;
    let device = text(&input["device"]);
    let answers = decided.iter().zip(&bases);
    Ok(answers
        .map(|(decided, base)| decided_value(decided, &device, *base))
        .collect())
}

fn decided_value(decided: &Decided, device: &str, base: Option<i64>) -> Value {
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
        "calls": decided.calls_json(device, base),
        "restamp": (!decision.restamp.is_empty()).then_some(&decision.restamp),
        "return_row": decision.return_row,
    })
}

#[test]
fn every_vector_has_the_answer_that_it_states() {
    let cases = vector_files::all();
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            case.failure(match run(&case.function, &case.input) {
                Ok(out) => Ok(out),
                Err(error) => Err(error.sqlstate().to_owned()),
            })
        })
        .collect();
    vector_files::assert_none(&failed, cases.len());
}
