//! Laws of scheduling, over random batches of related tables, groups and requirements.
#![allow(clippy::unwrap_used, missing_docs)]

mod plan_model;

use std::collections::{BTreeSet, HashSet};

use offline_sync_core::batch::{Batch, Op, parse_batch};
use offline_sync_core::limits::Limits;
use offline_sync_core::plan::plan;
use plan_model::{Planned, batches, refers, tables, text};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn scheduling_keeps_the_meaning((drafts, first, acked) in batches()) {
        let text = text(&drafts, first);
        let batch = parse_batch(&text, &Limits::default()).unwrap();
        let planned = Planned::new(&batch, acked);
        every_seq_is_accounted_for_once(&batch, &planned, acked)?;
        runs_are_uniform(&planned)?;
        dependencies_come_first(&planned)?;
        foreign_keys_come_first(&planned)?;
        groups_are_barriers(&planned)?;
    }
}

fn every_seq_is_accounted_for_once(
    batch: &Batch<'_>,
    planned: &Planned<'_>,
    acked: u64,
) -> Result<(), TestCaseError> {
    let rejected: BTreeSet<u64> = planned.plan.rejected.iter().map(|r| r.seq).collect();
    prop_assert_eq!(rejected.len(), planned.plan.rejected.len());
    let runs: BTreeSet<u64> = planned.place.keys().copied().collect();
    prop_assert!(rejected.is_disjoint(&runs));
    let all: BTreeSet<u64> = rejected.union(&runs).copied().collect();
    let sent: BTreeSet<u64> = planned.fresh.keys().copied().collect();
    prop_assert_eq!(all, sent);
    let known: Vec<u64> = batch
        .mutations
        .iter()
        .map(|m| m.seq)
        .filter(|s| *s <= acked)
        .collect();
    prop_assert_eq!(&planned.plan.duplicates, &known);
    for mutation in planned.fresh.values() {
        let lost = mutation.after.iter().any(|seq| rejected.contains(seq));
        prop_assert!(
            !lost || rejected.contains(&mutation.seq),
            "{} lost what it requires",
            mutation.seq
        );
    }
    Ok(())
}

fn runs_are_uniform(planned: &Planned<'_>) -> Result<(), TestCaseError> {
    for run in &planned.plan.runs {
        let members = run.seqs.len();
        let lengths = [
            run.keys.len(),
            run.bases.len(),
            run.hlcs.len(),
            run.priorities.len(),
        ];
        prop_assert!(members > 0 && lengths.iter().all(|length| *length == members));
        prop_assert!(run.seqs.is_sorted_by(|a, b| a < b));
        let keys: HashSet<&String> = run.keys.iter().collect();
        prop_assert_eq!(keys.len(), members, "one row twice in a run");
        for seq in &run.seqs {
            let mutation = planned.fresh[seq];
            let columns: BTreeSet<&str> = mutation
                .patch
                .iter()
                .map(|(name, _)| name.as_ref())
                .collect();
            prop_assert_eq!(format!("t{}", run.table_id), mutation.table.as_ref());
            prop_assert_eq!(run.op, mutation.op);
            prop_assert_eq!(&columns.into_iter().collect::<Vec<_>>(), &run.columns);
            prop_assert_eq!(run.group.as_deref(), mutation.group.as_deref());
        }
        let rows: Vec<serde_json::Value> = serde_json::from_str(&run.rows).unwrap();
        for (seq, row) in run.seqs.iter().zip(rows) {
            let key = &run.keys[planned.place[seq].1];
            prop_assert_eq!(row["id"].as_str(), Some(key.as_str()));
            for column in &run.columns {
                prop_assert_eq!(row[column].as_u64(), Some(*seq), "another mutation's value");
            }
        }
    }
    Ok(())
}

fn dependencies_come_first(planned: &Planned<'_>) -> Result<(), TestCaseError> {
    for (earlier, later) in planned.pairs() {
        let same_row =
            earlier.table == later.table && earlier.key[0].1.get() == later.key[0].1.get();
        if same_row || later.after.contains(&earlier.seq) {
            let (before, after) = (planned.run(earlier), planned.run(later));
            let in_group = earlier.group.is_some() && earlier.group == later.group && !same_row;
            prop_assert!(
                before < after || (in_group && before <= after),
                "{} after {}",
                later.seq,
                earlier.seq
            );
        }
    }
    Ok(())
}

fn foreign_keys_come_first(planned: &Planned<'_>) -> Result<(), TestCaseError> {
    for (earlier, later) in planned.pairs() {
        if planned.gathered_before(later, earlier) {
            continue;
        }
        let (before, after) = (planned.run(earlier), planned.run(later));
        let removes_parent = later.op == Op::Delete && refers(&earlier.table, &later.table);
        if refers(&later.table, &earlier.table) || removes_parent {
            prop_assert!(before < after, "{} must follow {}", later.seq, earlier.seq);
        }
        let within = earlier.table == "t4" && later.table == "t4";
        let updates_only = earlier.op == Op::Update && later.op != Op::Delete;
        if within && !updates_only {
            prop_assert!(
                before <= after,
                "{} must not precede {}",
                later.seq,
                earlier.seq
            );
        }
    }
    Ok(())
}

fn groups_are_barriers(planned: &Planned<'_>) -> Result<(), TestCaseError> {
    let units: Vec<u32> = planned.plan.runs.iter().map(|run| run.unit).collect();
    prop_assert!(units.is_sorted());
    for pair in planned.plan.runs.windows(2) {
        let one_group = pair[0].group.is_some() && pair[0].group == pair[1].group;
        prop_assert_eq!(pair[0].unit == pair[1].unit, one_group);
    }
    for (group, start) in &planned.group_start {
        let first_run = planned.place[start].0;
        for (seq, (run, _)) in &planned.place {
            let mutation = planned.fresh[seq];
            if mutation.group.as_deref() == Some(*group) || mutation.group.is_some() {
                continue;
            }
            prop_assert_eq!(
                seq < start,
                *run < first_run,
                "{} crosses group {}",
                seq,
                group
            );
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused(text in ".*") {
        if let Err(error) = parse_batch(&text, &Limits::default()) {
            prop_assert!(["22023", "PT409", "PT413"].contains(&error.sqlstate()));
        }
    }

    #[test]
    fn a_damaged_batch_parses_or_is_refused(
        (drafts, first, _) in batches(), at in any::<prop::sample::Index>(), piece in "[\\[\\]{}\",:0-9a-z\\\\]{0,4}", cut in 0usize..6,
    ) {
        let mut text = text(&drafts, first);
        let from = at.index(text.len());
        let to = (from + cut).min(text.len());
        text.replace_range(from..to, &piece);
        match parse_batch(&text, &Limits::default()) {
            Ok(batch) => drop(plan(&batch, &tables(), first as u64 - 1)),
            Err(error) => prop_assert!(["22023", "PT409", "PT413"].contains(&error.sqlstate())),
        }
    }
}
