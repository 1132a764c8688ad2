//! Batches with one thing wrong.
#![allow(dead_code, clippy::panic, missing_docs)]

use offline_sync_core::CoreError;
use offline_sync_core::batch::parse_batch;
use offline_sync_core::limits::Limits;

/// The number of mutations.
pub fn parse(text: &str) -> Result<usize, CoreError> {
    parse_batch(text, &Limits::default()).map(|batch| batch.mutations.len())
}

pub fn error(text: &str) -> CoreError {
    match parse(text) {
        Ok(_) => panic!("accepted: {}", &text[..text.len().min(300)]),
        Err(error) => error,
    }
}

/// A batch of one update in which one member is replaced; `""` leaves it out.
pub fn with(name: &str, value: &str) -> String {
    let members = [
        ("seq", r#""41""#),
        ("op", r#""update""#),
        ("table", r#""public.notes""#),
        ("key", r#"{"id":"1"}"#),
        ("base", r#""17""#),
        ("patch", r#"{"title":"New"}"#),
        ("before", r#"{"title":"Old"}"#),
        ("hlc", r#""116200000000000000""#),
        ("after", r#"["40"]"#),
        ("group", r#""g""#),
        ("priority", "5"),
        ("function", "null"),
        ("args", "null"),
    ];
    assert!(
        members.iter().any(|(member, _)| *member == name),
        "no member {name}"
    );
    let kept = members
        .iter()
        .map(|(member, sample)| (member, if *member == name { value } else { sample }));
    let written: Vec<String> = kept
        .filter(|(_, value)| !value.is_empty())
        .map(|(member, value)| format!("\"{member}\":{value}"))
        .collect();
    format!(r#"{{"v":1,"mutations":[{{{}}}]}}"#, written.join(","))
}
