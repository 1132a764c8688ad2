//! Replays the corpus that fuzzing found: nothing in it may panic or break what always holds.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../../fuzz/checks/mod.rs"]
mod checks;

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/fuzz")
        .join(target);
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let texts: Vec<String> = files
        .filter_map(|file| String::from_utf8(fs::read(file).unwrap()).ok())
        .collect();
    assert!(
        texts.len() > 20,
        "only {} readable files in {target}",
        texts.len()
    );
    texts.iter().for_each(|text| check(text));
}

#[test]
fn push_batches_of_the_corpus_hold() {
    replay("push_batch", checks::push_batch);
}

#[test]
fn pull_requests_of_the_corpus_hold() {
    replay("pull_request", checks::pull_request);
}
