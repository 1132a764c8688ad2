//! A device's own earlier edits are nothing to contest.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use offline_sync_core::merge::{Outcome, Status};
use support::{Edit, Server, at};

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
