//! How few runs a batch needs.
#![allow(clippy::unwrap_used)]

use offline_sync_core::batch::parse_batch;
use offline_sync_core::limits::Limits;
use offline_sync_core::plan::{Plan, plan};
use offline_sync_core::tables::Tables;

const TABLES: &str = r#"[
    {"id":1,"name":"parent","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true},"b":{"w":true}}},
    {"id":2,"name":"child","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true},"b":{"w":true}},"parents":[1,99]},
    {"id":3,"name":"grandchild","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true}},"parents":[2]},
    {"id":4,"name":"tree","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true},"b":{"w":true}},"parents":[4]},
    {"id":5,"name":"egg","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true}},"parents":[6]},
    {"id":6,"name":"hen","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true}},"parents":[5]}]"#;

/// Plans `(op, table, key, columns, more)`, numbered from 1.
fn planned(mutations: &[(&str, &str, usize, &str, &str)]) -> Plan {
    let each = mutations.iter().enumerate().map(|(at, (op, table, key, columns, more))| {
        let patch: Vec<String> = columns.chars().map(|column| format!("\"{column}\":1")).collect();
        let seq = at + 1;
        format!(
            r#"{{"seq":{seq},"op":"{op}","table":"{table}","key":{{"id":{key}}},"patch":{{{}}}{more}}}"#,
            patch.join(",")
        )
    });
    let text = format!(
        r#"{{"v":1,"mutations":[{}]}}"#,
        each.collect::<Vec<_>>().join(",")
    );
    let limits = Limits {
        mutations_max: 10_000,
        batch_bytes_max: 10_000_000,
        ..Limits::default()
    };
    plan(
        &parse_batch(&text, &limits).unwrap(),
        &Tables::parse(TABLES).unwrap(),
        0,
    )
    .unwrap()
}

fn seqs(plan: &Plan) -> Vec<Vec<u64>> {
    assert!(plan.rejected.is_empty(), "{:?}", plan.rejected);
    plan.runs.iter().map(|run| run.seqs.clone()).collect()
}

#[test]
fn alternating_parents_and_children_need_two_runs() {
    let mutations: Vec<_> = (0..1_000)
        .map(|n| {
            (
                "insert",
                if n % 2 == 0 { "parent" } else { "child" },
                n,
                "a",
                "",
            )
        })
        .collect();
    let runs = seqs(&planned(&mutations));
    assert_eq!(runs.len(), 2);
    assert!(runs[0].iter().all(|seq| seq % 2 == 1));
}

#[test]
fn edits_of_one_row_keep_their_order_and_others_share_their_runs() {
    let plan = planned(&[
        ("update", "parent", 1, "a", ""),
        ("update", "parent", 1, "a", ""),
        ("update", "parent", 2, "a", ""),
        ("update", "parent", 1, "b", ""),
        ("update", "parent", 2, "a", ""),
    ]);
    assert_eq!(seqs(&plan), [vec![1, 3], vec![2, 5], vec![4]]);
}

#[test]
fn a_grandparent_is_deleted_after_its_grandchild_was_edited() {
    let plan = planned(&[
        ("delete", "parent", 1, "", ""),
        ("update", "grandchild", 1, "a", ""),
        ("delete", "parent", 2, "", ""),
    ]);
    assert_eq!(seqs(&plan), [[1], [2], [3]]);
}

#[test]
fn a_tree_is_inserted_in_one_run() {
    let mutations: Vec<_> = (0..100).map(|n| ("insert", "tree", n, "ab", "")).collect();
    assert_eq!(seqs(&planned(&mutations)).len(), 1);
}

#[test]
fn a_tree_whose_roots_have_other_columns_keeps_parents_first() {
    let plan = planned(&[
        ("insert", "tree", 1, "ab", ""),
        ("insert", "tree", 2, "a", ""),
        ("insert", "tree", 3, "a", ""),
        ("insert", "tree", 4, "ab", ""),
    ]);
    assert_eq!(seqs(&plan), [vec![1], vec![2, 3], vec![4]]);
}

#[test]
fn editing_a_tree_while_it_grows_needs_two_runs() {
    let mutations: Vec<_> = (0..100)
        .map(|n| {
            (
                if n % 2 == 0 { "insert" } else { "update" },
                "tree",
                n / 2,
                "a",
                "",
            )
        })
        .collect();
    assert_eq!(seqs(&planned(&mutations)).len(), 2);
}

#[test]
fn a_tree_is_cut_after_it_was_edited() {
    let plan = planned(&[
        ("delete", "tree", 1, "", ""),
        ("update", "tree", 2, "a", ""),
        ("delete", "tree", 3, "", ""),
        ("delete", "tree", 4, "", ""),
        ("insert", "tree", 5, "a", ""),
    ]);
    assert_eq!(seqs(&plan), [vec![1], vec![2], vec![3, 4], vec![5]]);
}

#[test]
fn tables_that_refer_to_each_other_keep_their_order() {
    let plan = planned(&[
        ("insert", "hen", 1, "a", ""),
        ("insert", "egg", 1, "a", ""),
        ("insert", "egg", 2, "a", ""),
        ("insert", "hen", 2, "a", ""),
    ]);
    assert_eq!(seqs(&plan), [vec![1], vec![2, 3], vec![4]]);
}

#[test]
fn a_requirement_is_a_level() {
    let plan = planned(&[
        ("update", "parent", 1, "a", ""),
        ("update", "parent", 2, "a", r#","after":[1]"#),
        ("update", "parent", 3, "a", ""),
    ]);
    assert_eq!(seqs(&plan), [vec![1, 3], vec![2]]);
}

#[test]
fn a_group_is_one_unit_at_the_place_of_its_first_member() {
    let plan = planned(&[
        ("update", "parent", 1, "a", ""),
        ("insert", "parent", 2, "a", r#","group":"g""#),
        ("insert", "parent", 3, "a", r#","group":"g""#),
        ("update", "parent", 4, "a", ""),
        ("insert", "child", 1, "a", r#","group":"g""#),
        ("update", "parent", 5, "a", ""),
    ]);
    assert_eq!(seqs(&plan), [vec![1], vec![2, 3], vec![5], vec![4, 6]]);
    let units: Vec<u32> = plan.runs.iter().map(|run| run.unit).collect();
    assert_eq!(units, [0, 1, 1, 2]);
    let groups: Vec<Option<&str>> = plan.runs.iter().map(|run| run.group.as_deref()).collect();
    assert_eq!(groups, [None, Some("g"), Some("g"), None]);
}

#[test]
fn one_row_twice_in_a_group_takes_two_runs() {
    let group = r#","group":"g""#;
    let plan = planned(&[
        ("update", "parent", 1, "a", group),
        ("update", "parent", 2, "a", group),
        ("update", "parent", 1, "a", group),
        ("update", "parent", 3, "a", group),
    ]);
    assert_eq!(seqs(&plan), [vec![1, 2], vec![3, 4]]);
}

#[test]
fn a_spread_group_may_build_on_its_own_members() {
    let group = r#","group":"g""#;
    let plan = planned(&[
        ("update", "parent", 1, "a", group),
        ("update", "parent", 2, "a", group),
        ("update", "parent", 3, "a", ""),
        ("update", "parent", 2, "a", r#","group":"g","after":[2]"#),
    ]);
    assert_eq!(seqs(&plan), [vec![1, 2], vec![4], vec![3]]);
}

#[test]
fn a_group_torn_by_what_it_builds_on_is_rejected() {
    let same_row = [
        ("update", "parent", 1, "a", r#","group":"g""#),
        ("update", "parent", 2, "a", ""),
        ("update", "parent", 2, "a", r#","group":"g""#),
        ("update", "parent", 3, "a", r#","after":[1]"#),
    ];
    let required = [
        ("update", "parent", 1, "a", r#","group":"g""#),
        ("update", "parent", 2, "a", ""),
        ("update", "parent", 3, "a", r#","group":"g","after":[2]"#),
        ("update", "parent", 4, "a", r#","after":[3]"#),
    ];
    for mutations in [same_row, required] {
        let plan = planned(&mutations);
        let rejected: Vec<_> = plan.rejected.iter().map(|r| (r.seq, r.code)).collect();
        assert_eq!(rejected, [(1, "PT424"), (3, "22023"), (4, "PT424")]);
        assert_eq!(plan.runs.len(), 1);
        assert_eq!(plan.runs[0].seqs, [2]);
    }
}

#[test]
fn groups_may_interleave_where_they_do_not_build_on_each_other() {
    let plan = planned(&[
        ("update", "parent", 1, "a", r#","group":"g""#),
        ("update", "parent", 2, "a", r#","group":"h""#),
        ("update", "parent", 3, "a", r#","group":"g""#),
        ("update", "parent", 4, "a", r#","group":"h""#),
    ]);
    assert_eq!(seqs(&plan), [[1, 3], [2, 4]]);
}
