//! A device's own earlier edits are nothing to contest.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
mod trail_server;

use offline_sync_core::merge::{Outcome, Status};
use support::{Edit, Server, at};
use trail_server::Server as TrailServer;

const EARLY: u64 = 2_000;
const LATE: u64 = 3_000;

#[test]
fn the_second_of_two_edits_on_one_base_is_taken_unless_values_are_combined() {
    // Those that combine values (max, counter …) judge what the device itself added, too.
    for policy in ["last_write_wins", "client_wins", "server_wins", "manual"] {
        for (first, second) in [("2", "3"), ("3", "2")] {
            let mut server = Server::new(&format!("{{\"default\":\"{policy}\"}}"), &[("x", "1")]);
            server.push(&Edit::of("me", at(LATE), "x", first));
            let decided = server.push(&Edit::of("me", at(EARLY), "x", second));
            assert_eq!(decided.decision.status, Status::Applied, "{policy}");
            assert!(decided.decision.contested.is_empty(), "{policy}");
            assert_eq!(server.value("x"), second, "{policy}");
        }
    }
}

#[test]
fn the_edits_of_another_device_are_still_contested() {
    let mut server = Server::new(r#"{"default":"manual"}"#, &[("x", "1")]);
    server.push(&Edit::of("them", at(EARLY), "x", "2"));
    let decided = server.push(&Edit::of("me", at(LATE), "x", "3"));
    assert_eq!(decided.decision.contested[0].outcome, Outcome::Manual);
    assert_eq!(server.value("x"), "2");
}

fn unsaid(device: &'static str, ms: u64, value: &str) -> trail_server::Edit {
    let value = value.to_owned();
    trail_server::Edit {
        device,
        ms,
        before: None,
        value,
    }
}

#[test]
fn what_the_device_alone_wrote_is_taken_as_it_is_where_it_says_nothing_of_what_it_saw() {
    let edits = [
        ("\"set\"", "[1]", "[1,2]", "[1]"),
        ("\"json\"", r#"{"a":1}"#, r#"{"a":1,"b":2}"#, r#"{"a":1}"#),
        ("\"text\"", "\"one\"", "\"one two\"", "\"one\""),
    ];
    for (policy, start, first, second) in edits {
        let mut server = TrailServer::new(policy, start);
        server.push(&unsaid("me", EARLY, first));
        let decided = server.push(&unsaid("me", LATE, second));
        assert_eq!(server.value, second, "{policy}");
        assert!(decided.decision.contested.is_empty(), "{policy}");
    }
}

#[test]
fn what_others_wrote_between_two_edits_of_a_device_stays() {
    let mut server = TrailServer::new("\"set\"", "[1]");
    server.push(&unsaid("me", EARLY, "[1,2]"));
    server.push(&unsaid("them", EARLY + 1, "[1,3]"));
    server.push(&unsaid("me", EARLY + 2, "[1,2,4]"));
    server.push(&unsaid("me", LATE, "[1,2,5]"));
    let elements: Vec<i64> = serde_json::from_str(&server.value).unwrap();
    for element in [1, 2, 3, 5] {
        assert!(
            elements.contains(&element),
            "{element} is not in {elements:?}"
        );
    }
}

#[test]
fn a_devices_second_edit_that_says_nothing_of_what_it_saw_takes_away_nothing_of_others() {
    for was_seen in [true, false] {
        for (policy, start, theirs, first, second, kept) in [
            ("\"set\"", "[1]", "[1,2]", "[1,3]", "[1,3,4]", "2"),
            (
                "\"json\"",
                "{}",
                r#"{"t":1}"#,
                r#"{"m":1}"#,
                r#"{"m":2}"#,
                r#""t":1"#,
            ),
            (
                "\"json\"",
                "null",
                r#"{"t":1}"#,
                r#"{"m":1}"#,
                r#"{"m":2}"#,
                r#""t":1"#,
            ),
            (
                "\"text\"",
                "\"one\"",
                "\"two one\"",
                "\"one three\"",
                "\"one four\"",
                "two",
            ),
            (
                "\"text\"",
                "\"\"",
                "\"two\"",
                "\"three\"",
                "\"four\"",
                "two",
            ),
        ] {
            let mut server = TrailServer::new(policy, start);
            server.was_seen = was_seen;
            server.push(&unsaid("them", EARLY, theirs));
            server.push(&unsaid("me", EARLY + 1, first));
            let decided = server.push(&unsaid("me", LATE, second));
            let case = format!("{policy} {start} {was_seen}: {}", server.value);
            assert!(server.value.contains(kept), "{case}");
            assert!(!decided.decision.contested.is_empty(), "{case}");
        }
    }
}

#[test]
fn what_a_row_began_with_is_not_of_a_device_that_never_saw_it() {
    for (policy, start, first, second, kept) in [
        ("\"set\"", "[1]", "[2]", "[3]", "1"),
        (
            "\"json\"",
            r#"{"t":1}"#,
            r#"{"m":1}"#,
            r#"{"m":2}"#,
            r#""t":1"#,
        ),
        ("\"text\"", "\"one\"", "\"two\"", "\"three\"", "one"),
    ] {
        let mut server = TrailServer::new(policy, start);
        server.was_seen = false;
        server.push(&unsaid("me", EARLY, first));
        server.push(&unsaid("me", LATE, second));
        assert!(server.value.contains(kept), "{policy}: {}", server.value);
    }
}

#[test]
fn a_result_that_is_theirs_is_called_theirs() {
    for (policy, start, theirs) in [
        ("\"set\"", "[1]", "[1,2]"),
        ("\"json\"", r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
        ("\"text\"", "\"one\"", "\"one two\""),
    ] {
        let mut server = TrailServer::new(policy, start);
        server.push(&unsaid("them", EARLY, theirs));
        let same = trail_server::Edit {
            before: Some(start.to_owned()),
            ..unsaid("me", LATE, start)
        };
        let decided = server.push(&same);
        assert_eq!(server.value, theirs, "{policy}");
        assert_eq!(
            decided.decision.contested[0].outcome,
            Outcome::Theirs,
            "{policy}"
        );
    }
}
