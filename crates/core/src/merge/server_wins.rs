//! The server's value stays, whatever the device did.

use super::contest::{Contest, Resolution};

pub(super) fn resolve(_: &Contest<'_>) -> Resolution {
    Resolution::Theirs
}
