//! Errors as a client sees them.

use std::fmt;

/// What Postgres answered instead of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgError {
    /// SQLSTATE.
    pub code: String,
    /// For a person.
    pub message: String,
    /// For a program; empty when there is none.
    pub detail: String,
}

impl fmt::Display for PgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.code, self.message, self.detail)
    }
}

impl std::error::Error for PgError {}

impl From<tokio_postgres::Error> for PgError {
    /// Faults of the connection itself have no SQLSTATE; they are `08006`, as a driver would say.
    fn from(error: tokio_postgres::Error) -> PgError {
        match error.as_db_error() {
            Some(error) => PgError {
                code: error.code().code().to_owned(),
                message: error.message().to_owned(),
                detail: error.detail().unwrap_or_default().to_owned(),
            },
            None => PgError {
                code: "08006".to_owned(),
                message: format!("{error:?}"),
                detail: String::new(),
            },
        }
    }
}
