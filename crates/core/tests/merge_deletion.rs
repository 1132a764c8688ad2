//! Deletion against edits, rows that are gone, and rows that may not be seen.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use offline_sync_core::merge::{Action, Decision, Outcome, Status};
use support::{Edit, Server, at};

const EARLY: u64 = 2_000;
const LATE: u64 = 3_000;

fn server(on_delete: &str) -> Server {
    Server::new(
        &format!("{{\"on_delete\":\"{on_delete}\"}}"),
        &[("x", "1"), ("y", "0")],
    )
}

/// A server whose row another device deleted since version 1.
fn deleted(on_delete: &str) -> Server {
    let mut server = server(on_delete);
    assert_eq!(
        server
            .push(&Edit::delete("them", at(EARLY)))
            .decision
            .action,
        Action::Delete
    );
    server
}

/// A server on which another device edited `x` since version 1.
fn edited(on_delete: &str) -> Server {
    let mut server = server(on_delete);
    server.push(&Edit::of("them", at(EARLY), "x", "2"));
    server
}

fn refused(decision: &Decision) -> bool {
    matches!(decision.action, Action::Reject { code: "42501", .. })
}

#[test]
fn a_deletion_of_the_version_seen_is_applied() {
    let decision = server("manual")
        .decide(&Edit::delete("me", at(EARLY)))
        .decision;
    assert_eq!(
        (decision.action, decision.status),
        (Action::Delete, Status::Applied)
    );
    assert!(!decision.return_row);
}

#[test]
fn a_deletion_of_what_is_not_there_is_applied() {
    let mut none = server("manual");
    (none.row, none.known) = (None, false);
    for server in [none, deleted("manual")] {
        let decision = server
            .decide(&Edit::delete("me", at(EARLY)).seeing(None))
            .decision;
        assert_eq!(
            (decision.action, decision.status),
            (Action::Nothing, Status::Applied)
        );
    }
}

#[test]
fn a_deletion_against_an_edit_goes_by_the_rule() {
    let cases = [
        (
            "update_wins",
            Action::Nothing,
            Status::Merged,
            Outcome::Theirs,
            true,
        ),
        (
            "delete_wins",
            Action::Delete,
            Status::Merged,
            Outcome::Mine,
            false,
        ),
        (
            "manual",
            Action::Nothing,
            Status::Conflict,
            Outcome::Manual,
            true,
        ),
    ];
    for (rule, action, status, outcome, return_row) in cases {
        let decision = edited(rule).decide(&Edit::delete("me", at(LATE))).decision;
        assert_eq!(
            (&decision.action, decision.status),
            (&action, status),
            "{rule}"
        );
        assert_eq!(decision.return_row, return_row, "{rule}");
        assert_eq!(
            decision.columns.into_iter().collect::<Vec<_>>(),
            [("x".to_owned(), outcome)]
        );
        let entry = &decision.contested[0];
        assert_eq!(
            (entry.mine.as_str(), entry.theirs.as_str()),
            ("null", "2"),
            "{rule}"
        );
        assert_eq!(entry.policy, rule);
    }
}

#[test]
fn own_edits_do_not_stand_against_the_deletion() {
    let mut server = server("update_wins");
    server.push(&Edit::of("me", at(EARLY), "x", "2"));
    let decision = server.decide(&Edit::delete("me", at(LATE))).decision;
    assert_eq!(
        (decision.action, decision.status),
        (Action::Delete, Status::Applied)
    );
}

#[test]
fn a_deletion_of_a_row_never_seen_counts_every_column() {
    let decision = server("manual")
        .decide(&Edit::delete("me", at(LATE)).seeing(None))
        .decision;
    assert_eq!(decision.status, Status::Conflict);
    assert_eq!(decision.columns.len(), 2, "both columns, not the key");
}

#[test]
fn an_edit_of_a_row_deleted_meanwhile_goes_by_the_rule() {
    let cases = [
        (
            "update_wins",
            Action::Resurrect,
            Status::Merged,
            Outcome::Mine,
        ),
        (
            "delete_wins",
            Action::Nothing,
            Status::Merged,
            Outcome::Theirs,
        ),
        ("manual", Action::Nothing, Status::Conflict, Outcome::Manual),
    ];
    for (rule, action, status, outcome) in cases {
        let decision = deleted(rule)
            .decide(&Edit::of("me", at(LATE), "x", "5"))
            .decision;
        assert_eq!(
            (&decision.action, decision.status),
            (&action, status),
            "{rule}"
        );
        assert!(decision.return_row, "{rule}");
        assert_eq!(decision.columns.get("x"), Some(&outcome), "{rule}");
        let entry = &decision.contested[0];
        assert_eq!(
            (entry.mine.as_str(), entry.theirs.as_str()),
            ("5", "null"),
            "{rule}"
        );
        assert_eq!(entry.base.as_deref(), Some("1"), "from history");
        assert_eq!(decision.row.is_empty(), outcome != Outcome::Mine, "{rule}");
    }
}

#[test]
fn nothing_that_a_person_wrote_disappears_whoever_comes_first() {
    let (edit, delete) = (
        Edit::of("me", at(EARLY), "x", "5"),
        Edit::delete("them", at(LATE)),
    );
    for order in [[&edit, &delete], [&delete, &edit]] {
        let mut server = server("update_wins");
        for one in order {
            server.push(one);
        }
        assert_eq!((server.value("x"), server.value("y")), ("5", "0"));
    }
}

#[test]
fn an_edit_after_having_seen_the_deletion_is_refused() {
    let server = deleted("update_wins");
    assert!(refused(
        &server
            .decide(&Edit::of("me", at(LATE), "x", "5").seeing(Some(2)))
            .decision
    ));
    assert!(
        refused(
            &server
                .decide(&Edit::of("them", at(LATE), "x", "5"))
                .decision
        ),
        "its own deletion"
    );
}

#[test]
fn an_upsert_after_a_deletion_begins_a_new_life() {
    let server = deleted("manual");
    let upsert = Edit::of("me", at(LATE), "x", "5").upsert();
    for seen in [None, Some(2)] {
        let decision = server.decide(&upsert.clone().seeing(seen)).decision;
        assert_eq!(
            (decision.action, decision.status),
            (Action::Insert, Status::Applied),
            "{seen:?}"
        );
    }
    let own = Edit {
        device: "them".to_owned(),
        ..upsert.clone()
    };
    assert_eq!(server.decide(&own).decision.action, Action::Insert);
    let cases = [
        ("update_wins", Action::Insert, Status::Merged),
        ("delete_wins", Action::Nothing, Status::Merged),
        ("manual", Action::Nothing, Status::Conflict),
    ];
    for (rule, action, status) in cases {
        let decision = deleted(rule).decide(&upsert).decision;
        assert_eq!(
            (&decision.action, decision.status),
            (&action, status),
            "{rule}"
        );
        assert!(decision.return_row, "{rule}");
    }
}

#[test]
fn an_upsert_of_a_row_that_never_was_is_an_insert() {
    let mut server = server("manual");
    (server.row, server.known) = (None, false);
    let decision = server
        .decide(&Edit::of("me", at(LATE), "x", "5").upsert().seeing(None))
        .decision;
    assert_eq!(
        (decision.action, decision.status),
        (Action::Insert, Status::Applied)
    );
    assert!(!decision.return_row);
}

#[test]
fn a_row_that_may_not_be_seen_is_told_like_one_that_does_not_exist() {
    let mut hidden = server("update_wins");
    hidden.visible = false;
    let mut none = hidden.clone();
    (none.row, none.known) = (None, false);
    let update = Edit::of("me", at(LATE), "x", "5");
    let (told, untold) = (
        hidden.decide(&update).decision,
        none.decide(&update).decision,
    );
    assert!(refused(&told));
    assert_eq!(told.action, untold.action);
    assert!(refused(&hidden.decide(&update.upsert()).decision));
    assert!(refused(
        &hidden.decide(&Edit::delete("me", at(LATE))).decision
    ));
}

#[test]
fn an_edit_of_nothing_does_not_bring_a_row_back() {
    let mut edit = Edit::of("me", at(LATE), "x", "5");
    edit.patch.clear();
    assert!(refused(&deleted("update_wins").decide(&edit).decision));
}

#[test]
fn a_row_brought_back_judges_other_columns_as_if_it_had_never_been_gone() {
    let mut server = deleted("update_wins");
    let back = server.push(&Edit::of("me", at(LATE), "x", "5"));
    assert_eq!(back.decision.action, Action::Resurrect);
    let other = server.push(&Edit::of("third", at(EARLY), "y", "7"));
    assert!(other.decision.columns.is_empty(), "nobody wrote y since");
    assert_eq!(server.value("y"), "7");
}
