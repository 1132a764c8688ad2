//! What must hold whatever a device sends. Shared by the fuzz targets and the replay of their corpus.
#![allow(dead_code)]

use std::collections::{BTreeSet, HashSet};

use offline_sync_core::CoreError;
use offline_sync_core::batch::{Batch, Op, parse_batch};
use offline_sync_core::limits::{Limits, PullLimits};
use offline_sync_core::merge::{TablePolicy, decide_run};
use offline_sync_core::plan::{Plan, Run, plan};
use offline_sync_core::pull::{Cursor, PullRequest};
use offline_sync_core::slice::slice_json_array;
use offline_sync_core::tables::Tables;
use serde_json::Value;
use serde_json::value::RawValue;

const TABLES: &str = r#"[
    {"id":1,"name":"public.notes","key":[{"name":"id","kind":"uuid"}],
     "columns":{"title":{"w":true},"likes":{"w":true},"secret":{"x":true},"total":{"g":true}},"parents":[2]},
    {"id":2,"name":"t","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true},"b":{"w":true}},"parents":[2]},
    {"id":3,"name":"c","key":[{"name":"k","kind":"text"},{"name":"n","kind":"other"}],
     "columns":{"a":{"w":true}},"parents":[1]}]"#;

const POLICY: &str = r#"{"columns":{"likes":"counter","a":"max","b":"min"}}"#;

/// Tight limits, so that short inputs reach them.
const LIMITS: Limits = Limits {
    mutations_max: 40,
    batch_bytes_max: 8_192,
    depth_max: 12,
    key_bytes_max: 200,
    after_max: 8,
    name_bytes_max: 32,
};

/// Parses, plans and decides.
pub fn push_batch(text: &str) {
    let batch = match parse_batch(text, &LIMITS) {
        Ok(batch) => batch,
        Err(error) => return well_formed(&error, &["22023", "PT409", "PT413"]),
    };
    assert!(
        serde_json::from_str::<&RawValue>(text).is_ok(),
        "accepted what is not JSON"
    );
    let tables = Tables::parse(TABLES).expect("the registry is valid");
    let first = batch.mutations.first().map_or(1, |mutation| mutation.seq);
    let acked = first - 1 + batch.mutations.len() as u64 / 4;
    let plan = plan(&batch, &tables, acked).expect("the seqs continue");
    seqs_are_accounted_for(&batch, &plan);
    plan.runs.iter().for_each(run_is_usable);
}

fn seqs_are_accounted_for(batch: &Batch<'_>, plan: &Plan) {
    let mut seen = BTreeSet::new();
    let rejected = plan.rejected.iter().map(|rejected| rejected.seq);
    let planned = plan.runs.iter().flat_map(|run| run.seqs.iter().copied());
    for seq in plan
        .duplicates
        .iter()
        .copied()
        .chain(rejected)
        .chain(planned)
    {
        assert!(seen.insert(seq), "seq {seq} twice");
    }
    assert!(
        seen.into_iter()
            .eq(batch.mutations.iter().map(|mutation| mutation.seq))
    );
    for rejected in &plan.rejected {
        assert!(matches!(rejected.code.len(), 5) && !rejected.message.is_empty());
    }
}

fn run_is_usable(run: &Run) {
    let members = run.seqs.len();
    let distinct: HashSet<&String> = run.keys.iter().collect();
    assert_eq!(distinct.len(), members);
    assert!(run.keys.iter().all(|key| !key.contains('\0')));
    assert_eq!(
        slice_json_array(&run.rows, 0, members).as_deref(),
        Ok(run.rows.as_str())
    );
    let key_columns: &[&str] = match run.table_id {
        3 => &["k", "n"],
        _ => &["id"],
    };
    let key_columns: Vec<String> = key_columns.iter().map(|name| (*name).to_owned()).collect();
    for policy in [POLICY, r#"{"default":"manual","on_delete":"delete_wins"}"#] {
        let decided = decide_run(
            run.op,
            policy,
            "device",
            1 << 60,
            60_000,
            &run.keys,
            &run.seqs,
            &run.bases,
            &run.hlcs,
            &run.rows,
            run.befores.as_deref(),
            &existing(run),
            &states(run),
            &key_columns,
            None,
        );
        for decided in decided.expect("a planned run can be decided") {
            assert!(decided.decision.hlc <= (((1u64 << 60) >> 16) + 60_001) << 16);
            is_json(&decided.row_json());
            decided.columns_json().iter().for_each(|json| is_json(json));
            decided
                .contested_json()
                .iter()
                .for_each(|json| is_json(json));
        }
    }
}

fn is_json(text: &str) {
    assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text}");
}

/// Every second row exists with other values; deletions and inserts meet rows as well.
fn existing(run: &Run) -> String {
    let rows = run.keys.iter().step_by(2).map(|key| {
        let columns: Vec<String> = run
            .columns
            .iter()
            .map(|name| format!("{}:7", Value::from(name.as_str())))
            .collect();
        format!(
            "{{\"k\":{},\"r\":{{{}}}}}",
            Value::from(key.as_str()),
            columns.join(",")
        )
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn states(run: &Run) -> String {
    let states = run.keys.iter().enumerate().filter(|(at, _)| at % 3 < 2).map(|(at, key)| {
        format!(
            r#"{{"key":{},"version":9,"hlc":9,"deleted":{},"life":[3,4,null],"clocks":{{"a":[9,9,"other"]}},"base":{{"likes":1}}}}"#,
            Value::from(key.as_str()),
            run.op != Op::Insert && at % 2 == 1,
        )
    });
    format!("[{}]", states.collect::<Vec<_>>().join(","))
}

/// Parses as a request, as a cursor in both forms, and as a policy.
pub fn pull_request(text: &str) {
    let limits = PullLimits {
        tables_max: 8,
        name_bytes_max: 16,
        ..PullLimits::default()
    };
    match PullRequest::parse(text, &limits) {
        Ok(request) => {
            assert!((1..=limits.limit_max).contains(&request.limit));
            assert!((1..=limits.max_bytes_max).contains(&request.max_bytes));
            request
                .cursor
                .iter()
                .for_each(|token| cursor(Cursor::decode(token)));
        }
        Err(error) => well_formed(&error, &["22023", "PT413"]),
    }
    cursor(Cursor::decode(text));
    cursor(Cursor::from_json(text));
    if let Err(error) = TablePolicy::parse(text) {
        well_formed(&error, &["22023"]);
    }
}

fn cursor(parsed: Result<Cursor, CoreError>) {
    match parsed {
        Ok(cursor) => {
            let token = cursor.encode().expect("what was read can be written");
            assert_eq!(Cursor::decode(&token).as_ref(), Ok(&cursor));
        }
        Err(error) => well_formed(&error, &["22023"]),
    }
}

fn well_formed(error: &CoreError, codes: &[&str]) {
    assert!(codes.contains(&error.sqlstate()), "{error:?}");
    assert!(!error.to_string().is_empty());
    let _ = (error.detail(), error.hint());
}
