//! Entries of the conflict log: what the decision writes, read back for the database.

use offline_sync_core::error::CoreError;
use offline_sync_core::log::{Entry, conflict_id, run_entries};

const SEED: &str = "5f0c9a52-4f0b-4d57-9d1e-0000000000ff";

/// The entries of one mutation by a device that never saw the row.
fn parse_entries(text: &str) -> Result<Vec<Entry>, CoreError> {
    run_entries(&[Some(text.to_owned())], &[None], None).map(|mut run| run.remove(0).1)
}

#[test]
fn a_base_from_the_history_is_not_told() -> Result<(), Box<dyn std::error::Error>> {
    let entry = |column| {
        format!(
            r#"{{"column":"{column}","base":"secret","base_known":true,"policy":"p","outcome":"mine"}}"#
        )
    };
    let both = Some(format!("[{},{}]", entry("a"), entry("b")));
    let contested = [both.clone(), None, both.clone(), both];
    let befores = r#"[{"a":"secret"},null,null,{"b":1}]"#;
    let run = run_entries(
        &contested,
        &[Some(1), Some(1), Some(1), None],
        Some(befores),
    )?;
    let bases: Vec<(usize, bool, bool)> = run
        .iter()
        .map(|(at, entries)| (*at, entries[0].base.is_some(), entries[1].base.is_some()))
        .collect();
    assert_eq!(
        bases,
        [(0, true, false), (2, false, false), (3, true, true)]
    );
    Ok(())
}

#[test]
fn values_keep_their_spelling() -> Result<(), Box<dyn std::error::Error>> {
    let text = r#"[{"column":"a \"b\"","base":null,"base_known":true,"mine":1.00,"theirs":"\u0000","policy":"text","outcome":"merged","overlap":true}]"#;
    let entries = parse_entries(text)?;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].column, "a \"b\"");
    assert_eq!(entries[0].base.as_deref(), Some("null"));
    assert_eq!(entries[0].mine.as_deref(), Some("1.00"));
    assert_eq!(entries[0].theirs.as_deref(), Some("\"\\u0000\""));
    assert_eq!(entries[0].policy, "text");
    assert_eq!(entries[0].outcome, "merged");
    assert!(entries[0].overlap);
    Ok(())
}

#[test]
fn a_missing_value_is_none() -> Result<(), Box<dyn std::error::Error>> {
    let entries = parse_entries(r#"[{"column":"a","policy":"p","outcome":"mine"}]"#)?;
    assert_eq!(entries[0].base, None);
    assert_eq!(entries[0].mine, None);
    assert_eq!(entries[0].theirs, None);
    assert!(!entries[0].overlap);
    Ok(())
}

#[test]
fn a_base_that_is_not_known_is_none_and_a_null_is_a_null() -> Result<(), Box<dyn std::error::Error>>
{
    for (known, base) in [("false", None), ("true", Some("null"))] {
        let text = format!(
            r#"[{{"column":"a","base":null,"base_known":{known},"policy":"p","outcome":"mine"}}]"#
        );
        assert_eq!(parse_entries(&text)?[0].base.as_deref(), base);
    }
    Ok(())
}

#[test]
fn names_that_postgres_cannot_store_are_refused() {
    for name in [r"\u0000", r"\ud800"] {
        let text = format!(r#"[{{"column":"{name}","policy":"p","outcome":"mine"}}]"#);
        assert!(parse_entries(&text).is_err(), "{name}");
    }
}

#[test]
fn ids_follow_one_another() {
    assert_eq!(conflict_id(SEED, 0), SEED);
    assert_eq!(conflict_id(SEED, 1), "5f0c9a52-4f0b-4d57-9d1e-000000000100");
}

#[test]
fn the_id_after_the_last_is_the_first() {
    let last = "5f0c9a52-4f0b-4d57-9d1e-ffffffffffff";
    assert_eq!(conflict_id(last, 1), "5f0c9a52-4f0b-4d57-9d1e-000000000000");
}

#[test]
fn a_seed_that_is_no_uuid_stays() {
    for seed in [
        "",
        "short",
        "5f0c9a52-4f0b-4d57-9d1e-x",
        "a text that is long enough, é",
    ] {
        assert_eq!(conflict_id(seed, 1), seed);
    }
}
