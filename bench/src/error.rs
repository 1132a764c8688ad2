//! How a measurement fails.

use offline_sync_testkit::PgError;

/// Anything that keeps a measurement from being made. It is told to the person at the terminal.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A result, or why there is none.
pub type Outcome<T> = Result<T, Fault>;

/// An error of the server, with its SQLSTATE.
pub fn pg(error: tokio_postgres::Error) -> Fault {
    PgError::from(error).into()
}

/// Fails with `message` unless `condition` holds.
pub fn ensure(condition: bool, message: impl Into<String>) -> Outcome<()> {
    if condition {
        Ok(())
    } else {
        Err(message.into().into())
    }
}
