//! The later clock wins; equal clocks are ordered by device, writes of no device come first.

use super::contest::{Contest, Resolution};

pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    if is_later(contest) {
        Resolution::Mine
    } else {
        Resolution::Theirs
    }
}

/// Whether the mutation is later than the server's last change.
pub(super) fn is_later(contest: &Contest<'_>) -> bool {
    let their_clock = u64::try_from(contest.their_stamp.hlc).unwrap_or(0);
    let their_device = contest.their_stamp.device.as_deref();
    (contest.my_clock, Some(contest.my_device)) > (their_clock, their_device)
}
