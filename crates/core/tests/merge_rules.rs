//! The decision table of updates and upserts on rows that exist.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Status};
use support::{Edit, Server, at};

const EARLY: u64 = 2_000;
const LATE: u64 = 3_000;

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
    let server = Server::contested("\"last_write_wins\"", "1", "2", LATE);
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
fn an_upsert_of_a_row_that_exists_is_an_update() {
    let server = Server::contested("\"server_wins\"", "1", "2", LATE);
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

#[test]
fn an_edit_is_later_than_what_it_changes_and_a_deletion_later_than_the_whole_row() {
    let mut server = Server::new("{}", &[("x", "1"), ("y", "1")]);
    let ahead = at(2_500);
    server.clocks.insert("y".to_owned(), (1, ahead, None));
    let claimed = at(2_000);
    let edit = server.decide(&Edit::of("me", claimed, "x", "2"));
    assert_eq!(edit.decision.hlc, claimed, "nothing of y is changed");
    let on_top = server.decide(&Edit::of("me", claimed, "y", "2"));
    assert_eq!(on_top.decision.hlc, ahead + 1);
    let deletion = server.decide(&Edit::delete("me", claimed));
    assert_eq!(deletion.decision.hlc, ahead + 1);
}
