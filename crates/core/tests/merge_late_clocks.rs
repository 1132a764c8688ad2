//! Clocks that run late, where a column holds more than what its last write changed.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::decide_run;
use support::{BOUND_MS, NOW_MS, at};

/// What a leaf `x.a` ends as when a device that saw version 1, with `{"a":1,"b":1}`, sets it to 9 at `ms`. `writes`: the clock, the
/// device and the old value of each write since.
fn leaf_after(writes: &[(u64, &str, &str)], theirs: &str, ms: u64) -> serde_json::Value {
    let trail: Vec<String> = (2..)
        .zip(writes)
        .map(|(version, (ms, device, old))| format!(r#"[{version},{},"{device}",{old}]"#, at(*ms)))
        .collect();
    let (last_ms, last_device, _) = writes.last().unwrap();
    let version = writes.len() + 1;
    let states = format!(
        r#"[{{"key":"k","version":{version},"hlc":{hlc},"device":null,"life":[1,{begin},null],
            "clocks":{{"x":[{version},{last},"{last_device}"]}},"trail":{{"x":[{trail}]}}}}]"#,
        hlc = at(NOW_MS),
        begin = at(1_000),
        last = at(*last_ms),
        trail = trail.join(","),
    );
    let decided = decide_run(
        Op::Update,
        r#"{"columns":{"x":"json"}}"#,
        "dev-t",
        at(NOW_MS),
        BOUND_MS,
        &["k".to_owned()],
        &[1],
        &[Some(1)],
        &[Some(at(ms))],
        r#"[{"id":"k","x":{"a":9,"b":1}}]"#,
        Some(r#"[{"x":{"a":1,"b":1}}]"#),
        &format!(r#"[{{"k":"k","r":{{"x":{theirs}}}}}]"#),
        &states,
        &["id".to_owned()],
        None,
    );
    let decided = decided.unwrap().remove(0);
    let value: serde_json::Value = serde_json::from_str(&decided.decision.row[0].1).unwrap();
    value["a"].clone()
}

#[test]
fn a_leaf_does_not_go_back_in_time_when_a_late_clock_writes_it_while_another_leaf_changes() {
    let writes = [
        (5_000, "dev-x", r#"{"a":1,"b":1}"#),
        (6_000, "dev-z", r#"{"a":2,"b":1}"#),
        // Saw what dev-x wrote, not what dev-z did; its clock is late.
        (1_500, "dev-y", r#"{"a":2,"b":5}"#),
    ];
    let theirs = r#"{"a":3,"b":5}"#;
    assert_eq!(leaf_after(&writes, theirs, 3_000), 3);
    assert_eq!(leaf_after(&writes, theirs, 5_001), 9);
}

#[test]
fn a_leaf_that_was_removed_and_came_back_has_the_clock_of_what_brought_it_back() {
    let writes = [
        (6_000, "dev-x", r#"{"a":1,"b":1}"#),
        (5_200, "dev-y", r#"{"b":1}"#),
    ];
    let theirs = r#"{"a":2,"b":1}"#;
    assert_eq!(leaf_after(&writes, theirs, 5_500), 9);
    assert_eq!(leaf_after(&writes, theirs, 5_100), 2);
}
