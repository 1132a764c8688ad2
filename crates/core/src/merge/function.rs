//! What a function of the table's owner makes of the three values.

use super::contest::{Contest, Resolution};

/// The core cannot call the function: it asks for an answer and takes it. A failure and an SQL null
/// leave the column to a person; a JSON null that the function returned on purpose is no answer either.
pub(super) fn resolve(contest: &Contest<'_>) -> Resolution {
    match contest.answer.map(|answer| answer.value) {
        None => Resolution::Ask,
        Some(Some(value)) if value.get() != "null" => Resolution::Merged(value.get().to_owned()),
        Some(_) => Resolution::Manual,
    }
}
