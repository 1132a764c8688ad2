//! What the planner accepts, rejects and writes, case by case.
#![allow(clippy::unwrap_used, clippy::panic)]

use offline_sync_core::CoreError;
use offline_sync_core::batch::{Op, parse_batch};
use offline_sync_core::limits::Limits;
use offline_sync_core::plan::{Plan, plan};
use offline_sync_core::tables::Tables;

const TABLES: &str = r#"[
    {"id":1,"name":"public.notes","key":[{"name":"id","kind":"uuid"}],
     "columns":{"title":{"w":true},"body":{"w":true},"data":{"w":true,"b":true},
                "secret":{"x":true},"total":{"g":true},"seen_by":{}},"parents":[]},
    {"id":2,"name":"public.lines","key":[{"name":"doc","kind":"text"},{"name":"no","kind":"int"}],
     "columns":{"text":{"w":true}},"parents":[1]},
    {"id":3,"name":"public.other","key":[{"name":"k","kind":"other"}],"columns":{"v":{"w":true}}},
    {"id":4,"name":"public.counts","key":[{"name":"n","kind":"int"}],"columns":{"v":{"w":true}}}]"#;

const ID: &str = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// Plans mutations given as JSON members without `seq`, numbered from 1.
fn planned(mutations: &[&str]) -> Plan {
    try_plan(mutations, 1, 0).unwrap()
}

fn try_plan(mutations: &[&str], first_seq: usize, acked_seq: u64) -> Result<Plan, CoreError> {
    let numbered: Vec<String> = mutations
        .iter()
        .enumerate()
        .map(|(at, members)| format!("{{\"seq\":{},{members}}}", first_seq + at))
        .collect();
    let text = format!(r#"{{"v":1,"mutations":[{}]}}"#, numbered.join(","));
    let batch = parse_batch(&text, &Limits::default())?;
    plan(&batch, &Tables::parse(TABLES)?, acked_seq)
}

fn update(members: &str) -> String {
    format!(r#""op":"update","table":"public.notes","key":{{"id":"{ID}"}},{members}"#)
}

/// Code of the only rejection, or nothing where the mutation was planned.
fn rejection(members: &str) -> Option<&'static str> {
    let plan = planned(&[members]);
    assert_eq!(plan.rejected.len() + plan.runs.len(), 1, "{members}");
    plan.rejected.first().map(|rejected| rejected.code)
}

#[test]
fn each_fault_of_a_mutation_is_its_own_rejection() {
    let cases = [
        (
            r#""op":"delete","table":"public.unknown","key":{"id":1}"#.to_owned(),
            "42P01",
        ),
        (
            r#""op":"delete","table":"notes","key":{"id":1}"#.to_owned(),
            "42P01",
        ),
        (
            r#""op":"delete","table":"public.notes; drop table x","key":{"id":1}"#.to_owned(),
            "42P01",
        ),
        (update(r#""patch":{"titel":"x"}"#), "42703"),
        (update(r#""patch":{"title\" = 1 --":"x"}"#), "42703"),
        (update(r#""patch":{"secret":"x"}"#), "42501"),
        (update(r#""patch":{"seen_by":"x"}"#), "42501"),
        (update(r#""patch":{"title":"\u0000"}"#), "22P05"),
        (update(r#""patch":{"title":"\ud800"}"#), "22P05"),
        (
            update(r#""patch":{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c9"}"#),
            "22023",
        ),
        (update(r#""patch":{"id":null}"#), "22023"),
        (
            update(r#""patch":{"title":"x"}"#)
                .replace("update", "insert")
                .replace(ID, "x"),
            "22023",
        ),
        (
            r#""op":"call","function":"quiz.submit","args":{}"#.to_owned(),
            "42883",
        ),
    ];
    for (members, code) in cases {
        assert_eq!(rejection(&members), Some(code), "{members}");
    }
}

#[test]
fn a_key_is_exactly_the_key_columns() {
    let on =
        |table: &str, key: &str| format!(r#""op":"delete","table":"public.{table}","key":{key}"#);
    let bad = [
        ("notes", r#"{"di":"x"}"#),
        ("notes", r#"{"id":null}"#),
        ("notes", r#"{"id":7}"#),
        ("notes", r#"{"id":["a"]}"#),
        ("notes", r#"{"id":{"a":1}}"#),
        ("notes", r#"{"id":""}"#),
        ("notes", r#"{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c"}"#),
        ("notes", r#"{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430cg"}"#),
        ("notes", r#"{"id":"6ba7b8109-dad-41d1-80b4-00c04fd430c8"}"#),
        ("notes", r#"{"id":"éba7b8109dad41d180b400c04fd430c8"}"#),
        (
            "notes",
            r#"{"id":"6ba7b810-9dad-41d1-80b4-00c04fd430c8","title":"x"}"#,
        ),
        ("lines", r#"{"doc":"a"}"#),
        ("lines", r#"{"doc":"a","no":1,"x":1}"#),
        ("lines", r#"{"doc":"a","on":1}"#),
        ("lines", r#"{"doc":1,"no":1}"#),
        ("lines", r#"{"doc":true,"no":1}"#),
        ("counts", r#"{"n":1.5}"#),
        ("counts", r#"{"n":1e3}"#),
        ("counts", r#"{"n":"+1"}"#),
        ("counts", r#"{"n":"1 or 1=1"}"#),
        ("counts", r#"{"n":""}"#),
        ("counts", r#"{"n":"9223372036854775808"}"#),
        ("counts", r#"{"n":true}"#),
        ("other", r#"{"k":null}"#),
        ("other", r#"{"k":[1]}"#),
        ("other", r#"{"k":{}}"#),
    ];
    for (table, key) in bad {
        assert_eq!(rejection(&on(table, key)), Some("22023"), "{table} {key}");
    }
}

#[test]
fn keys_have_one_spelling() {
    let key = |table: &str, key: &str| {
        let plan = planned(&[&format!(
            r#""op":"delete","table":"public.{table}","key":{key}"#
        )]);
        plan.runs[0].keys[0].clone()
    };
    assert_eq!(key("notes", &format!("{{\"id\":\"{ID}\"}}")), ID);
    assert_eq!(
        key("notes", r#"{"id":"6BA7B810-9DAD-41D1-80B4-00C04FD430C8"}"#),
        ID
    );
    assert_eq!(
        key("notes", r#"{"id":"6ba7b8109dad41d180b400c04fd430c8"}"#),
        ID
    );
    assert_eq!(key("counts", r#"{"n":"007"}"#), "7");
    assert_eq!(key("counts", r#"{"n":7}"#), "7");
    assert_eq!(key("counts", r#"{"n":"-0"}"#), "0");
    assert_eq!(
        key("counts", r#"{"n":-9223372036854775808}"#),
        i64::MIN.to_string()
    );
    assert_eq!(key("other", r#"{"k":"a\u00e9\"b"}"#), "aé\"b");
    assert_eq!(key("other", r#"{"k":1.50}"#), "1.50");
    assert_eq!(key("other", r#"{"k":true}"#), "true");
    assert_eq!(
        key("lines", r#"{"no":"07","doc":"a\"\\\n\u0001\/"}"#),
        r#"["a\"\\\n\u0001/","7"]"#
    );
}

#[test]
fn a_run_copies_values_and_writes_keys_canonically() {
    let first = r#""op":"insert","table":"public.lines","key":{"no":7,"doc":"\u0061"},"base":null,
        "patch":{"text":1.10,"no":"007"},"before":{"text":"x","doc":"y","zz":1},"hlc":"5","priority":1"#;
    let second = r#""op":"insert","table":"public.lines","key":{"doc":"b","no":1},"base":"4","patch":{"text":{ "a": [] }}"#;
    let plan = planned(&[first, second]);
    assert_eq!(plan.runs.len(), 1, "{plan:?}");
    let run = &plan.runs[0];
    assert_eq!((run.unit, run.table_id, run.op), (0, 2, Op::Insert));
    assert_eq!(run.columns, ["text"]);
    assert_eq!(run.seqs, [1, 2]);
    assert_eq!(run.keys, [r#"["a","7"]"#, r#"["b","1"]"#]);
    assert_eq!(
        (&run.bases[..], &run.hlcs[..]),
        (&[None, Some(4)][..], &[Some(5), None][..])
    );
    assert_eq!(
        run.rows,
        r#"[{"doc":"\u0061","no":"7","text":1.10},{"doc":"b","no":"1","text":{ "a": [] }}]"#
    );
    assert_eq!(run.befores.as_deref(), Some(r#"[{"text":"x"},null]"#));
    assert!(run.after.is_empty());
    assert_eq!((&run.priorities[..], &run.group), (&[1, 5][..], &None));
}

#[test]
fn generated_columns_are_dropped_and_columns_sorted() {
    let plan = planned(&[&update(r#""patch":{"title":"t","total":5,"body":"b"}"#)]);
    assert_eq!(plan.runs[0].columns, ["body", "title"]);
    assert_eq!(
        plan.runs[0].rows,
        format!(r#"[{{"id":"{ID}","body":"b","title":"t"}}]"#)
    );
    let plan = planned(&[&update(r#""patch":{"total":5}"#)]);
    assert!(plan.runs[0].columns.is_empty());
}

#[test]
fn patches_written_in_another_order_share_a_run() {
    let other = update(r#""patch":{"body":"b","title":"t"}"#).replace("c8", "c9");
    let plan = planned(&[&update(r#""patch":{"title":"t","body":"b"}"#), &other]);
    assert_eq!(plan.runs.len(), 1);
    assert!(
        plan.runs[0].rows.contains(r#"c9","body":"b","title":"t"}"#),
        "{}",
        plan.runs[0].rows
    );
}

#[test]
fn acknowledged_seqs_are_duplicates_and_gaps_are_refused() {
    let delete = format!(r#""op":"delete","table":"public.notes","key":{{"id":"{ID}"}}"#);
    let three = [delete.as_str(); 3];
    let plan = try_plan(&three, 4, 5).unwrap();
    assert_eq!(plan.duplicates, [4, 5]);
    assert_eq!(
        plan.runs
            .iter()
            .flat_map(|run| run.seqs.clone())
            .collect::<Vec<_>>(),
        [6]
    );
    let plan = try_plan(&three, 4, 6).unwrap();
    assert_eq!((plan.duplicates.len(), plan.runs.len()), (3, 0));
    assert!(try_plan(&three, 4, 3).unwrap().duplicates.is_empty());
    let error = try_plan(&three, 4, 2).unwrap_err();
    assert_eq!(
        (error.sqlstate(), error.detail().as_deref()),
        ("PT409", Some("3"))
    );
    assert_eq!(try_plan(&[], 1, 9).unwrap(), Plan::default());
}

#[test]
fn what_depends_on_a_rejected_mutation_falls_with_it() {
    let bad = r#""op":"delete","table":"public.unknown","key":{"id":1}"#;
    let on = |n: usize, more: &str| {
        format!(r#""op":"delete","table":"public.counts","key":{{"n":{n}}}{more}"#)
    };
    let mutations = [
        on(1, r#","group":"g""#),
        bad.to_owned(),
        on(3, r#","after":[2]"#),
        on(4, r#","after":[3],"group":"g""#),
        on(5, r#","after":[1]"#),
        on(6, r#","after":[]"#),
    ];
    let mutations: Vec<&str> = mutations.iter().map(String::as_str).collect();
    let plan = planned(&mutations);
    let rejected: Vec<_> = plan
        .rejected
        .iter()
        .map(|rejected| (rejected.seq, rejected.code, rejected.detail.as_deref()))
        .collect();
    let expected = [
        (1, "PT424", Some("4")),
        (2, "42P01", None),
        (3, "PT424", Some("2")),
        (4, "PT424", Some("3")),
        (5, "PT424", Some("1")),
    ];
    assert_eq!(rejected, expected);
    assert_eq!(plan.runs.len(), 1);
    assert_eq!(plan.runs[0].seqs, [6]);
}

#[test]
fn requirements_travel_with_the_run() {
    let on = |n: usize, more: &str| {
        format!(r#""op":"delete","table":"public.counts","key":{{"n":{n}}}{more}"#)
    };
    let plan = try_plan(&[&on(1, ""), &on(2, r#","after":[3]"#)], 5, 4).unwrap();
    assert_eq!(plan.runs.len(), 1);
    assert_eq!(plan.runs[0].after, [vec![], vec![3]]);
}
