//! One column that two sides changed, and how that went.

use super::decision::Answer;
use super::state::Stamp;
use super::trail::Step;

/// Everything that a policy may look at.
pub(super) struct Contest<'a> {
    /// The value that both sides started from, where it is known.
    pub base: Option<&'a str>,
    /// The device's value.
    pub mine: &'a str,
    /// The server's value.
    pub theirs: &'a str,
    /// Effective clock of the mutation.
    pub my_clock: u64,
    /// The device that made the mutation.
    pub my_device: &'a str,
    /// Last change of the server's value.
    pub their_stamp: &'a Stamp<'a>,
    /// What became of the column since the base, oldest first; empty where that is not known.
    pub trail: &'a [Step<'a>],
    /// What the owner's function answered, where it was asked.
    pub answer: Option<&'a Answer<'a>>,
}

/// A policy's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    Mine,
    Theirs,
    Merged(String),
    /// Both sides changed the same words: the value holds both, and somebody may want to look.
    Overlapping(String),
    /// The owner's function has to be asked.
    Ask,
    Manual,
}

/// How a contested column went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device's value was taken.
    Mine,
    /// The server's value stays.
    Theirs,
    /// A value made of both.
    Merged,
    /// The server's value stays until a person decides.
    Manual,
}

impl Outcome {
    /// The name on the wire and in the conflict log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Mine => "mine",
            Outcome::Theirs => "theirs",
            Outcome::Merged => "merged",
            Outcome::Manual => "manual",
        }
    }
}

/// A decision on one column, for the conflict log. Values are raw JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contested {
    /// The column.
    pub column: String,
    /// The value that both sides started from; `None` where it is not known.
    pub base: Option<String>,
    /// The device's value; `null` for a deletion.
    pub mine: String,
    /// The server's value; `null` for a deleted row.
    pub theirs: String,
    /// The policy that decided.
    pub policy: String,
    /// How it went.
    pub outcome: Outcome,
    /// Whether `base` is known.
    pub base_known: bool,
    /// Whether both sides changed the same words of a text, so that both stand there now.
    pub overlap: bool,
}
