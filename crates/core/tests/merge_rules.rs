//! The decision table of updates and upserts on rows that exist.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Outcome, Status};
use support::{Edit, Server, at};

const EARLY: u64 = 2_000;
const LATE: u64 = 3_000;

/// A server on which another device changed `x` from `base` to `theirs` since version 1.
fn contested(policy: &str, base: &str, theirs: &str, their_ms: u64) -> Server {
    let policy = format!("{{\"default\":{policy}}}");
    let mut server = Server::new(&policy, &[("x", base), ("y", "0")]);
    let mut theirs = Edit::of("them", at(their_ms), "x", theirs);
    theirs.base = Some(server.version);
    server.push(&theirs);
    server
}

#[test]
fn an_edit_of_the_version_seen_is_applied_as_sent() {
    let mut server = Server::new("{}", &[("x", "1")]);
    let decided = server.push(&Edit::of("me", at(EARLY), "x", "2"));
    let decision = &decided.decision;
    assert_eq!(
        (&decision.action, decision.status),
        (&Action::Update, Status::Applied)
    );
    assert!(!decision.return_row && decision.contested.is_empty() && decision.columns.is_empty());
    assert_eq!(decided.row_json(), r#"{"id":"k","x":2}"#);
    assert_eq!(
        (decided.columns_json(), decided.contested_json()),
        (None, None)
    );
    assert_eq!((decision.hlc, decision.skewed), (at(EARLY), false));
}

#[test]
fn a_change_of_another_column_is_merged_without_a_contest() {
    let server = contested("\"last_write_wins\"", "1", "2", LATE);
    let decided = server.decide(&Edit::of("me", at(EARLY), "y", "5"));
    assert_eq!(decided.decision.status, Status::Merged);
    assert!(decided.decision.return_row);
    assert_eq!(decided.row_json(), r#"{"id":"k","y":5}"#);
    assert_eq!(decided.columns_json(), None);
}

#[test]
fn own_edits_on_one_base_are_no_merge() {
    let mut server = Server::new("{}", &[("x", "1")]);
    for value in ["2", "3"] {
        let decided = server.push(&Edit::of("me", at(EARLY), "x", value));
        assert_eq!(decided.decision.status, Status::Applied);
        assert!(!decided.decision.return_row);
    }
    assert_eq!(server.value("x"), "3");
}

#[test]
fn each_policy_decides_a_contested_column() {
    // policy, base, theirs, mine, my clock, value, outcome
    let cases = [
        (
            "\"last_write_wins\"",
            "1",
            "2",
            "3",
            LATE,
            "3",
            Outcome::Mine,
        ),
        (
            "\"last_write_wins\"",
            "1",
            "2",
            "3",
            EARLY,
            "2",
            Outcome::Theirs,
        ),
        ("\"client_wins\"", "1", "2", "3", EARLY, "3", Outcome::Mine),
        ("\"server_wins\"", "1", "2", "3", LATE, "2", Outcome::Theirs),
        ("\"manual\"", "1", "2", "3", LATE, "2", Outcome::Manual),
        ("\"max\"", "1", "2", "3", EARLY, "3", Outcome::Mine),
        ("\"max\"", "1", "3", "2", LATE, "3", Outcome::Theirs),
        ("\"min\"", "9", "3", "2", EARLY, "2", Outcome::Mine),
        ("\"min\"", "9", "2", "3", LATE, "2", Outcome::Theirs),
        ("\"max\"", "1", "null", "2", EARLY, "2", Outcome::Mine),
        ("\"max\"", "1", "2", "null", LATE, "2", Outcome::Theirs),
        ("\"min\"", "1", "2", "null", LATE, "2", Outcome::Theirs),
        (
            "\"max\"",
            "1",
            "\"2\"",
            "10",
            EARLY,
            "\"10\"",
            Outcome::Mine,
        ),
        ("\"max\"", "1", "2", "\"10\"", EARLY, "10", Outcome::Mine),
        (
            "\"max\"",
            "\"\"",
            "\"b\"",
            "\"a\"",
            LATE,
            "\"b\"",
            Outcome::Theirs,
        ),
        (
            "\"max\"",
            "1",
            "\"10\"",
            "\"\\u0039\"",
            LATE,
            "\"10\"",
            Outcome::Theirs,
        ),
        ("\"max\"", "1", "true", "2", LATE, "true", Outcome::Manual),
        ("\"max\"", "1", "2", "[3]", LATE, "2", Outcome::Manual),
        ("\"counter\"", "1", "5", "3", EARLY, "7", Outcome::Merged),
        ("\"counter\"", "1", "3", "3", EARLY, "5", Outcome::Merged),
        ("\"counter\"", "5", "7", "4", EARLY, "6", Outcome::Merged),
        (
            "\"counter\"",
            "null",
            "7",
            "4",
            EARLY,
            "11",
            Outcome::Merged,
        ),
        ("\"counter\"", "1", "null", "4", EARLY, "3", Outcome::Merged),
        ("\"counter\"", "5", "7", "null", EARLY, "2", Outcome::Merged),
        ("\"counter\"", "1", "5", "1.0", EARLY, "5", Outcome::Theirs),
        (
            "\"counter\"",
            "\"0.1\"",
            "\"0.30\"",
            "\"0.3\"",
            EARLY,
            "\"0.50\"",
            Outcome::Merged,
        ),
        (
            "\"counter\"",
            "1",
            "\"5\"",
            "3",
            EARLY,
            "\"7\"",
            Outcome::Merged,
        ),
        (
            "\"counter\"",
            "1",
            "5",
            "1e2",
            EARLY,
            "104",
            Outcome::Merged,
        ),
        ("\"counter\"", "1", "5", "true", LATE, "5", Outcome::Manual),
        (
            "\"counter\"",
            "1",
            "5",
            "\"many\"",
            LATE,
            "5",
            Outcome::Manual,
        ),
        (
            "\"counter\"",
            "1",
            "\"NaN\"",
            "3",
            LATE,
            "\"NaN\"",
            Outcome::Manual,
        ),
        ("\"counter\"", "1", "5", "1e400", LATE, "5", Outcome::Manual),
        (
            "\"counter\"",
            "0",
            "79228162514264337593543950335",
            "1",
            LATE,
            "79228162514264337593543950335",
            Outcome::Manual,
        ),
        (
            "\"counter\"",
            "0",
            "7922816251426433759354395033.5",
            "0.01",
            LATE,
            "7922816251426433759354395033.5",
            Outcome::Manual,
        ),
        (
            "{\"function\":\"public.f\"}",
            "1",
            "2",
            "3",
            LATE,
            "2",
            Outcome::Manual,
        ),
    ];
    for (policy, base, theirs, mine, clock, value, outcome) in cases {
        let server = contested(policy, base, theirs, 2_500);
        let edit = Edit::of("me", at(clock), "x", mine).before(base);
        let decision = server.decide(&edit).decision;
        let case = format!("{policy} base {base} theirs {theirs} mine {mine}");
        assert_eq!(decision.row, [("x".to_owned(), value.to_owned())], "{case}");
        assert_eq!(decision.columns.get("x"), Some(&outcome), "{case}");
        let status = if outcome == Outcome::Manual {
            Status::Conflict
        } else {
            Status::Merged
        };
        assert_eq!(decision.status, status, "{case}");
        assert!(decision.return_row, "{case}");
    }
}

#[test]
fn a_contested_column_is_recorded_with_all_its_values() {
    let server = contested("\"manual\"", "\"b\"", "{\"t\":1}", 2_500);
    let edit = Edit::of("me", at(LATE), "x", "3").before("\"b\"");
    let decided = server.decide(&edit);
    assert_eq!(decided.columns_json().as_deref(), Some(r#"{"x":"manual"}"#));
    let expected = r#"[{"column":"x","base":"b","base_known":true,"mine":3,"theirs":{"t":1},"policy":"manual","outcome":"manual"}]"#;
    assert_eq!(decided.contested_json().as_deref(), Some(expected));
}

#[test]
fn equal_clocks_are_ordered_by_device() {
    for (mine, winner) in [("aaa", "2"), ("zzz", "3")] {
        let server = contested("\"last_write_wins\"", "1", "2", LATE);
        let decided = server.decide(&Edit::of(mine, at(LATE), "x", "3"));
        assert_eq!(decided.decision.row[0].1, winner, "{mine}");
    }
    let mut server = Server::new("{}", &[("x", "1")]);
    server.clocks.insert("x".to_owned(), (2, at(LATE), None));
    server.version = 2;
    assert_eq!(
        server
            .decide(&Edit::of("me", at(LATE), "x", "3"))
            .decision
            .row[0]
            .1,
        "3",
        "no device is smaller"
    );
}

#[test]
fn equal_values_are_no_contest() {
    let same = [
        ("1.0", "1.00"),
        ("100", "1e2"),
        ("\"7\"", "7"),
        ("12345678901234567890123", "12345678901234567890123.000"),
        ("\"é\"", "\"\\u00e9\""),
        (
            "{\"a\":1,\"b\":[1,{\"c\":null}]}",
            "{ \"b\" : [1.0, {\"c\":null}], \"a\" : 1 }",
        ),
        ("null", "null"),
    ];
    for policy in [
        "\"last_write_wins\"",
        "\"manual\"",
        "\"server_wins\"",
        "\"client_wins\"",
    ] {
        for (theirs, mine) in same {
            let server = contested(policy, "\"start\"", theirs, 2_500);
            let decision = server.decide(&Edit::of("me", at(LATE), "x", mine)).decision;
            assert_eq!(decision.status, Status::Merged, "{policy} {theirs} {mine}");
            assert!(decision.contested.is_empty(), "{policy} {theirs} {mine}");
            assert_eq!(
                decision.restamp,
                ["x"],
                "the later of two equal writes keeps its clock"
            );
            let earlier = server
                .decide(&Edit::of("me", at(EARLY), "x", mine))
                .decision;
            assert!(earlier.restamp.is_empty());
        }
    }
    let different = [
        ("1", "2"),
        ("1", "true"),
        ("\"a\"", "\"b\""),
        ("[1]", "[1,1]"),
        ("{}", "[]"),
        ("{\"a\":1}", "{\"a\":2}"),
        ("{\"a\":1}", "{\"b\":1}"),
        ("0", "null"),
        ("\"1.0\"", "\"1.00\""),
        ("0", "-1e-400"),
    ];
    for (theirs, mine) in different {
        let server = contested("\"manual\"", "\"start\"", theirs, 2_500);
        let decision = server.decide(&Edit::of("me", at(LATE), "x", mine)).decision;
        assert_eq!(decision.status, Status::Conflict, "{theirs} {mine}");
    }
}

#[test]
fn equally_deep_values_beyond_the_limit_do_not_exhaust_the_stack() {
    let deep = |space: &str| format!("{}{space}{}", "[".repeat(5_000), "]".repeat(5_000));
    let server = contested("\"manual\"", "1", &deep(""), 2_500);
    let decision = server
        .decide(&Edit::of("me", at(LATE), "x", &deep(" ")))
        .decision;
    assert_eq!(decision.status, Status::Conflict);
}

#[test]
fn the_base_of_a_counter_is_what_the_device_saw_else_what_history_has() {
    let value = |server: &Server, edit: &Edit| {
        let decision = server.decide(edit).decision;
        (decision.row[0].1.clone(), decision.status)
    };
    let mut server = contested("\"counter\"", "10", "15", 2_500);
    let edit = Edit::of("me", at(LATE), "x", "12");
    assert_eq!(
        value(&server, &edit),
        ("15".to_owned(), Status::Conflict),
        "unknown"
    );
    server.base = Some([("x".to_owned(), "10".to_owned())].into());
    assert_eq!(
        value(&server, &edit),
        ("17".to_owned(), Status::Merged),
        "from history"
    );
    let seen = edit.clone().before("11");
    assert_eq!(
        value(&server, &seen),
        ("16".to_owned(), Status::Merged),
        "from the device"
    );
    let never = edit.seeing(None);
    assert_eq!(
        value(&server, &never),
        ("27".to_owned(), Status::Merged),
        "never seen: from nothing"
    );
}

#[test]
fn a_counter_that_the_device_itself_wrote_since_needs_what_it_saw() {
    let mut server = contested("\"counter\"", "10", "15", 2_500);
    server.base = Some([("x".to_owned(), "10".to_owned())].into());
    server.push(&Edit::of("me", at(LATE), "x", "11").before("10"));
    assert_eq!(server.value("x"), "16");
    let blind = server.decide(&Edit::of("me", at(LATE), "x", "12"));
    assert_eq!(
        blind.decision.status,
        Status::Conflict,
        "history counts the first increment again"
    );
    server.push(&Edit::of("me", at(LATE), "x", "12").before("11"));
    assert_eq!(server.value("x"), "17");
}

#[test]
fn an_upsert_of_a_row_that_exists_is_an_update() {
    let server = contested("\"server_wins\"", "1", "2", LATE);
    let decision = server
        .decide(&Edit::of("me", at(LATE), "x", "3").upsert())
        .decision;
    assert_eq!(
        (decision.action, decision.status),
        (Action::Update, Status::Merged)
    );
    assert_eq!(decision.row[0].1, "2");
}

#[test]
fn a_device_that_never_saw_the_row_contests_everything() {
    let server = Server::new("{\"default\":\"manual\"}", &[("x", "1")]);
    let decision = server
        .decide(&Edit::of("me", at(LATE), "x", "2").seeing(None))
        .decision;
    assert_eq!(decision.status, Status::Conflict);
}

#[test]
fn an_insert_is_always_an_insert() {
    let mut server = Server::new("{}", &[("x", "1")]);
    let insert = Edit {
        op: Op::Insert,
        ..Edit::of("me", at(LATE), "x", "2").seeing(None)
    };
    for (row, known) in [(server.row.clone(), true), (None, true), (None, false)] {
        (server.row, server.known) = (row, known);
        let decision = server.decide(&insert).decision;
        assert_eq!(
            (decision.action, decision.status),
            (Action::Insert, Status::Applied)
        );
        assert!(!decision.return_row);
    }
}

#[test]
fn without_a_claim_the_servers_clock_counts() {
    let server = Server::new("{}", &[("x", "1")]);
    let edit = Edit {
        hlc: None,
        ..Edit::of("me", 0, "x", "2")
    };
    assert_eq!(server.decide(&edit).decision.hlc, at(support::NOW_MS));
}

#[test]
fn a_row_without_recorded_state_is_taken_as_seen() {
    let mut server = Server::new("{\"default\":\"manual\"}", &[("x", "1")]);
    server.known = false;
    let decision = server.decide(&Edit::of("me", at(LATE), "x", "2")).decision;
    assert_eq!(
        (decision.action, decision.status),
        (Action::Update, Status::Applied)
    );
}
