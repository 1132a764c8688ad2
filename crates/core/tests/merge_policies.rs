//! What each policy makes of a contested column.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use offline_sync_core::merge::Outcome::{self, Manual, Merged, Mine, Theirs};
use offline_sync_core::merge::Status;
use support::{Edit, Server, at};

const EARLY: u64 = 2_000;
const LATE: u64 = 3_000;

/// Policy, base, theirs, mine, my clock (theirs is between), final value, outcome.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u64,
    &'static str,
    Outcome,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("\"last_write_wins\"", "1", "2", "3", LATE, "3", Mine),
    ("\"last_write_wins\"", "1", "2", "3", EARLY, "2", Theirs),
    ("\"client_wins\"", "1", "2", "3", EARLY, "3", Mine),
    ("\"server_wins\"", "1", "2", "3", LATE, "2", Theirs),
    ("\"manual\"", "1", "2", "3", LATE, "2", Manual),
    ("\"max\"", "1", "2", "3", EARLY, "3", Mine),
    ("\"max\"", "1", "3", "2", LATE, "3", Theirs),
    ("\"min\"", "9", "3", "2", EARLY, "2", Mine),
    ("\"min\"", "9", "2", "3", LATE, "2", Theirs),
    ("\"max\"", "1", "null", "2", EARLY, "2", Mine),
    ("\"max\"", "1", "2", "null", LATE, "2", Theirs),
    ("\"min\"", "1", "2", "null", LATE, "2", Theirs),
    ("\"max\"", "1", "\"2\"", "10", EARLY, "\"10\"", Mine),
    ("\"max\"", "1", "2", "\"10\"", EARLY, "10", Mine),
    ("\"max\"", "\"\"", "\"b\"", "\"a\"", LATE, "\"b\"", Theirs),
    ("\"max\"", "1", "\"10\"", "\"\\u0039\"", LATE, "\"10\"", Theirs),
    ("\"max\"", "1", "5", "\"abc\"", EARLY, "\"abc\"", Mine),
    ("\"max\"", "1", "0.05", "0.5", EARLY, "0.5", Mine),
    ("\"max\"", "1", "0.5", "0.05", LATE, "0.5", Theirs),
    ("\"max\"", "1", "51", "0.5e2", EARLY, "51", Theirs),
    ("\"max\"", "1", "-0.05", "-0.5", LATE, "-0.05", Theirs),
    ("\"max\"", "1", "\"2\"", "\"1.x\"", EARLY, "\"1.x\"", Mine),
    ("\"max\"", "1", "\"0.9\"", "\"1.\"", EARLY, "\"1.\"", Mine),
    ("\"max\"", "1", "true", "2", LATE, "true", Manual),
    ("\"max\"", "null", "true", "false", LATE, "true", Theirs),
    ("\"max\"", "null", "false", "true", EARLY, "true", Mine),
    ("\"min\"", "null", "true", "false", EARLY, "false", Mine),
    ("\"max\"", "null", "\"2024-01-01T12:00:00.500Z\"", "\"2024-01-01T12:00:00Z\"", LATE, "\"2024-01-01T12:00:00.500Z\"", Theirs),
    ("\"max\"", "null", "\"2024-01-01T12:00:00+00:00\"", "\"2024-01-01T13:00:00+02:00\"", LATE, "\"2024-01-01T12:00:00+00:00\"", Theirs),
    ("\"max\"", "null", "\"9999-12-31\"", "\"10000-01-01\"", EARLY, "\"10000-01-01\"", Mine),
    ("\"min\"", "null", "\"0044-03-15 BC\"", "\"0045-01-01\"", LATE, "\"0044-03-15 BC\"", Theirs),
    ("\"max\"", "null", "\"infinity\"", "\"2024-01-01\"", LATE, "\"infinity\"", Theirs),
    ("\"min\"", "null", "\"-infinity\"", "\"2024-01-01\"", LATE, "\"-infinity\"", Theirs),
    ("\"max\"", "1", "2", "[3]", LATE, "2", Manual),
    // Emptied as a whole on one side: what the other made of it stays, if it made anything of it.
    ("\"json\"", "{\"a\":1}", "null", "{\"a\":1,\"b\":2}", EARLY, "{\"a\":1,\"b\":2}", Mine),
    ("\"json\"", "{\"a\":1}", "{\"a\":2}", "null", LATE, "{\"a\":2}", Theirs),
    ("\"json\"", "{\"a\":1}", "null", "{\"a\":1}", LATE, "null", Theirs),
    ("\"json\"", "3", "null", "4", EARLY, "4", Mine),
    ("\"json\"", "null", "3", "4", EARLY, "3", Theirs),
    ("\"text\"", "\"a b\"", "null", "\"a c\"", EARLY, "\"a c\"", Mine),
    ("\"text\"", "\"a b\"", "\"a c\"", "null", LATE, "\"a c\"", Theirs),
    ("\"text\"", "\"a b\"", "null", "\"a b\"", LATE, "null", Theirs),
    ("\"text\"", "\"a b\"", "\"\"", "\"a b\"", LATE, "\"\"", Theirs),
    ("\"counter\"", "1", "5", "3", EARLY, "7", Merged),
    ("\"counter\"", "1", "3", "3", EARLY, "5", Merged),
    ("\"counter\"", "5", "7", "4", EARLY, "6", Merged),
    ("\"counter\"", "null", "7", "4", EARLY, "11", Merged),
    ("\"counter\"", "1", "null", "4", EARLY, "3", Merged),
    ("\"counter\"", "5", "7", "null", EARLY, "2", Merged),
    ("\"counter\"", "1", "5", "1.0", EARLY, "5", Theirs),
    ("\"counter\"", "\"0.1\"", "\"0.30\"", "\"0.3\"", EARLY, "\"0.50\"", Merged),
    ("\"counter\"", "1", "\"5\"", "3", EARLY, "\"7\"", Merged),
    ("\"counter\"", "1", "5", "1e2", EARLY, "104", Merged),
    ("\"counter\"", "0", "1", "1e28", LATE, "10000000000000000000000000001", Merged),
    ("\"counter\"", "0", "1", "1e-27", LATE, "1.000000000000000000000000001", Merged),
    ("\"counter\"", "1", "5", "1e999999999999", LATE, "5", Manual),
    ("\"counter\"", "1", "5", "true", LATE, "5", Manual),
    ("\"counter\"", "1", "5", "\"many\"", LATE, "5", Manual),
    ("\"counter\"", "1", "\"NaN\"", "3", LATE, "\"NaN\"", Manual),
    ("\"counter\"", "1", "5", "1e400", LATE, "5", Manual),
    ("\"counter\"", "0", "79228162514264337593543950335", "1", LATE, "79228162514264337593543950335", Manual),
    ("\"counter\"", "0", "7922816251426433759354395033.5", "0.01", LATE, "7922816251426433759354395033.5", Manual),
    ("{\"function\":\"public.f\"}", "1", "2", "3", LATE, "2", Manual),
];

#[test]
fn each_policy_decides_a_contested_column() {
    for (policy, base, theirs, mine, clock, value, outcome) in CASES.iter().cloned() {
        let server = Server::contested(policy, base, theirs, 2_500);
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
fn what_came_back_to_the_base_does_not_stand_against_emptying_it() {
    for (policy, base, other, empty) in [
        ("\"json\"", "{\"a\":1}", "{\"a\":2}", "null"),
        ("\"text\"", "\"a b\"", "\"a c\"", "null"),
        ("\"text\"", "\"a b\"", "\"a c\"", "\"\""),
    ] {
        let mut server = Server::contested(policy, base, other, 2_100);
        let seen = server.version;
        server.push(&Edit::of("other", at(2_500), "x", base).seeing(Some(seen)));
        assert_eq!(server.value("x"), base);
        let decision = server.decide(&Edit::of("me", at(EARLY), "x", empty).before(base));
        let decision = decision.decision;
        assert_eq!(decision.row[0].1, empty, "{policy} {base}");
        assert_eq!(decision.columns["x"], Outcome::Mine);
    }
}

#[test]
fn a_contested_column_is_recorded_with_all_its_values() {
    let server = Server::contested("\"manual\"", "\"b\"", "{\"t\":1}", 2_500);
    let edit = Edit::of("me", at(LATE), "x", "3").before("\"b\"");
    let decided = server.decide(&edit);
    assert_eq!(decided.columns_json().as_deref(), Some(r#"{"x":"manual"}"#));
    let expected = r#"[{"column":"x","base":"b","base_known":true,"mine":3,"theirs":{"t":1},"policy":"manual","outcome":"manual"}]"#;
    assert_eq!(decided.contested_json().as_deref(), Some(expected));
}

#[test]
fn equal_clocks_are_ordered_by_device() {
    for (mine, winner) in [("aaa", "2"), ("zzz", "3")] {
        let server = Server::contested("\"last_write_wins\"", "1", "2", LATE);
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
            let server = Server::contested(policy, "\"start\"", theirs, 2_500);
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
        ("7", "\"07\""),
    ];
    for (theirs, mine) in different {
        let server = Server::contested("\"manual\"", "\"start\"", theirs, 2_500);
        let decision = server.decide(&Edit::of("me", at(LATE), "x", mine)).decision;
        assert_eq!(decision.status, Status::Conflict, "{theirs} {mine}");
    }
}

#[test]
fn equally_deep_values_beyond_the_limit_do_not_exhaust_the_stack() {
    let deep = |space: &str| format!("{}{space}{}", "[".repeat(5_000), "]".repeat(5_000));
    let server = Server::contested("\"manual\"", "1", &deep(""), 2_500);
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
    let mut server = Server::contested("\"counter\"", "10", "15", 2_500);
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
    let mut server = Server::contested("\"counter\"", "10", "15", 2_500);
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
