//! What can be wrong with a request as a whole, and the SQLSTATE that each error is raised with.
//!
//! A fault of one mutation is not an error here: the planner lists it among its rejections.

use thiserror::Error;

/// A request that cannot be used at all. Nothing of it may be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CoreError {
    /// Text that is not JSON, or JSON of another shape than the document requires.
    #[error("{document} is not valid: {reason}")]
    BadJson {
        /// Which document: `batch`, `pull request`, `policy` and so on.
        document: &'static str,
        /// What the parser found and expected.
        reason: String,
        /// Line of the fault, from 1; 0 when it concerns the whole document.
        line: usize,
        /// Column of the fault in bytes, from 1.
        column: usize,
    },
    /// A format version that this release does not speak.
    #[error("batch format {found} is not supported")]
    UnknownVersion {
        /// The version that was sent.
        found: u64,
    },
    /// A required key of a mutation is absent or null.
    #[error("mutation {seq} lacks \"{field}\"")]
    MissingField {
        /// The mutation.
        seq: u64,
        /// The absent key.
        field: &'static str,
    },
    /// A value of the right type that is outside what its field allows.
    #[error("\"{field}\" must be {expected}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// The mutation it belongs to, when it belongs to one.
        seq: Option<u64>,
    },
    /// Mutations are missing between what the server has and what was sent.
    #[error("sequence gap: expected {expected}, found {found}")]
    SequenceGap {
        /// The seq that has to come next.
        expected: u64,
        /// The seq that came.
        found: u64,
    },
    /// More than a limit allows.
    #[error("request exceeds the limit {name}")]
    OverLimit {
        /// Name of the limit, as in [`crate::limits`].
        name: &'static str,
        /// Its value.
        max: usize,
    },
    /// A pull cursor that this server did not make, or that was damaged.
    #[error("bad cursor")]
    BadCursor {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A merge policy or deletion rule that does not exist.
    #[error("unknown {field} \"{name}\"")]
    UnknownPolicy {
        /// `policy` or `on_delete`.
        field: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A range that lies outside an array.
    #[error("slice {from}..{to} is outside an array of {len} elements")]
    BadSlice {
        /// First element wanted.
        from: usize,
        /// One past the last element wanted.
        to: usize,
        /// Elements there are.
        len: usize,
    },
    /// The arrays that describe one run have different lengths.
    #[error("run has {expected} keys but {found} {what}")]
    RunMismatch {
        /// The array that differs.
        what: &'static str,
        /// Length of the key array.
        expected: usize,
        /// Length of the other.
        found: usize,
    },
}

impl CoreError {
    /// The five-character code that Postgres raises and PostgREST maps to an HTTP status.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            CoreError::SequenceGap { .. } => "PT409",
            CoreError::OverLimit { .. } => "PT413",
            _ => "22023",
        }
    }

    /// What a program needs to react: the expected seq, the limit and its value, the position.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            CoreError::BadJson { line: 0, .. } => None,
            CoreError::BadJson { line, column, .. } => {
                Some(format!("line {line}, column {column}"))
            }
            CoreError::OutOfRange { seq, .. } => seq.map(|seq| format!("seq={seq}")),
            CoreError::SequenceGap { expected, .. } => Some(expected.to_string()),
            CoreError::OverLimit { name, max } => Some(format!("{name}={max}")),
            CoreError::BadCursor { reason } => Some((*reason).to_owned()),
            _ => None,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            CoreError::UnknownVersion { .. } => Some("Send \"v\": 1."),
            CoreError::SequenceGap { .. } => {
                Some("Send again from the seq in the detail, without gaps.")
            }
            CoreError::OverLimit { .. } => Some("Split the request."),
            CoreError::BadCursor { .. } => Some("Pull again with \"cursor\": null."),
            _ => None,
        }
    }

    /// Wraps a parser error; the position that serde_json puts at the end moves into fields.
    pub(crate) fn bad_json(document: &'static str, error: &serde_json::Error) -> CoreError {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let position = format!(" at line {line} column {column}");
        let reason = text.strip_suffix(&position).unwrap_or(&text).to_owned();
        CoreError::BadJson {
            document,
            reason,
            line,
            column,
        }
    }
}
