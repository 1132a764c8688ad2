//! Random batches of related tables, groups and requirements, and their plans.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use offline_sync_core::batch::{Batch, Mutation};
use offline_sync_core::plan::{Plan, plan};
use offline_sync_core::tables::Tables;
use proptest::collection::vec;
use proptest::prelude::*;

/// `t3` refers to `t2`, which refers to `t1`; `t4` refers to itself; `t5` stands alone.
pub const PARENTS: [(i32, &[i32]); 5] = [(1, &[]), (2, &[1]), (3, &[2]), (4, &[4]), (5, &[])];

pub fn tables() -> Tables {
    let list: Vec<String> = PARENTS
        .iter()
        .map(|(id, parents)| {
            format!(
                r#"{{"id":{id},"name":"t{id}","key":[{{"name":"id","kind":"int"}}],
                   "columns":{{"a":{{"w":true}},"b":{{"w":true}}}},"parents":{parents:?}}}"#
            )
        })
        .collect();
    Tables::parse(&format!("[{}]", list.join(","))).unwrap()
}

/// Whether rows of `child` may depend on rows of `parent`, directly or not.
pub fn refers(child: &str, parent: &str) -> bool {
    matches!((child, parent), ("t2" | "t3", "t1") | ("t3", "t2"))
}

#[derive(Clone, Debug)]
pub struct Draft {
    pub table: usize,
    pub key: usize,
    pub op: &'static str,
    pub columns: &'static [&'static str],
    pub group: Option<u8>,
    pub after: Option<usize>,
}

pub fn draft() -> impl Strategy<Value = Draft> {
    let op = prop_oneof![
        4 => Just("insert"), 4 => Just("update"), 2 => Just("delete"), 2 => Just("upsert"), 1 => Just("call"),
    ];
    let columns: [&'static [&'static str]; 4] = [&["a"], &["b", "a"], &["a", "b"], &[]];
    let group = prop_oneof![12 => Just(None), 1 => (0u8..3).prop_map(Some)];
    let after = prop_oneof![6 => Just(None), 1 => (1usize..12).prop_map(Some)];
    (
        1usize..=6,
        0usize..5,
        op,
        prop::sample::select(columns.to_vec()),
        group,
        after,
    )
        .prop_map(|(table, key, op, columns, group, after)| Draft {
            table,
            key,
            op,
            columns,
            group,
            after,
        })
}

/// The text of a batch; `t6` does not exist and calls have no handler, so some are rejected.
pub fn text(drafts: &[Draft], first_seq: usize) -> String {
    let each = drafts.iter().enumerate().map(|(at, draft)| {
        let seq = first_seq + at;
        let patch: Vec<String> = draft.columns.iter().map(|c| format!("\"{c}\":{seq}")).collect();
        let after: Vec<usize> = draft.after.and_then(|back| seq.checked_sub(back)).filter(|s| *s > 0).into_iter().collect();
        let group = draft.group.map_or("null".to_owned(), |group| format!("\"g{group}\""));
        format!(
            r#"{{"seq":{seq},"op":"{}","table":"t{}","key":{{"id":{}}},"patch":{{{}}},"function":"f","group":{group},"after":{after:?}}}"#,
            draft.op, draft.table, draft.key, patch.join(",")
        )
    });
    format!(
        r#"{{"v":1,"mutations":[{}]}}"#,
        each.collect::<Vec<_>>().join(",")
    )
}

pub struct Planned<'a> {
    pub fresh: BTreeMap<u64, &'a Mutation<'a>>,
    pub plan: Plan,
    /// Run and place in it of each planned seq.
    pub place: BTreeMap<u64, (usize, usize)>,
    /// First planned seq of each group.
    pub group_start: BTreeMap<&'a str, u64>,
}

impl<'a> Planned<'a> {
    pub fn new(batch: &'a Batch<'a>, acked: u64) -> Planned<'a> {
        let plan = plan(batch, &tables(), acked).unwrap();
        let fresh: BTreeMap<u64, &Mutation<'_>> = batch
            .mutations
            .iter()
            .filter(|m| m.seq > acked)
            .map(|m| (m.seq, m))
            .collect();
        let mut place = BTreeMap::new();
        for (run_at, run) in plan.runs.iter().enumerate() {
            for (at, seq) in run.seqs.iter().enumerate() {
                assert!(
                    place.insert(*seq, (run_at, at)).is_none(),
                    "seq {seq} planned twice"
                );
            }
        }
        let mut group_start = BTreeMap::new();
        for seq in place.keys() {
            if let Some(group) = fresh[seq].group.as_deref() {
                group_start.entry(group).or_insert(*seq);
            }
        }
        Planned {
            fresh,
            plan,
            place,
            group_start,
        }
    }

    /// Whether `later` was moved before `earlier` because its group stands there.
    pub fn gathered_before(&self, later: &Mutation<'_>, earlier: &Mutation<'_>) -> bool {
        let start = later.group.as_deref().map(|group| self.group_start[group]);
        later.group != earlier.group && start.is_some_and(|start| start < earlier.seq)
    }

    /// All pairs of planned mutations in seq order.
    pub fn pairs(&self) -> impl Iterator<Item = (&Mutation<'a>, &Mutation<'a>)> {
        let seqs: Vec<u64> = self.place.keys().copied().collect();
        let pairs: Vec<_> = seqs
            .iter()
            .enumerate()
            .flat_map(|(at, a)| seqs[at + 1..].iter().map(move |b| (*a, *b)))
            .collect();
        pairs
            .into_iter()
            .map(|(a, b)| (self.fresh[&a], self.fresh[&b]))
    }

    pub fn run(&self, mutation: &Mutation<'_>) -> usize {
        self.place[&mutation.seq].0
    }
}

pub fn batches() -> impl Strategy<Value = (Vec<Draft>, usize, u64)> {
    (vec(draft(), 0..40), 1usize..4, 0u64..8).prop_map(|(drafts, first, acked)| {
        let acked = acked.max(first as u64 - 1);
        (drafts, first, acked)
    })
}
