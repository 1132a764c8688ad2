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
    let theirs = contest.their_stamp;
    is_later_than(contest, theirs.hlc, theirs.device.as_deref())
}

/// Whether the mutation is later than a write.
pub(super) fn is_later_than(
    contest: &Contest<'_>,
    their_hlc: i64,
    their_device: Option<&str>,
) -> bool {
    let their_clock = u64::try_from(their_hlc).unwrap_or(0);
    (contest.my_clock, Some(contest.my_device)) > (their_clock, their_device)
}
