//! The only place that turns core errors into Postgres errors.
//!
//! Codes such as `PT409` are not in Postgres' own list. Functions that can fail with one of those hand
//! the error back as columns and SQL raises it (`offline_private.raise_error`); everything else is an
//! argument error and is raised here.

use offline_sync_core::CoreError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// An argument error (`22023`) with the detail and hint of the core.
pub fn argument_error(error: &CoreError) -> ErrorReport {
    let mut report = ErrorReport::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        error.to_string(),
        "pg_offline_sync",
    );
    if let Some(detail) = error.detail() {
        report = report.set_detail(detail);
    }
    if let Some(hint) = error.hint() {
        report = report.set_hint(hint);
    }
    report
}

/// A fault of the machine rather than of the caller.
pub fn internal_error(message: String) -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        message,
        "pg_offline_sync",
    )
}

/// Result of an adapter.
pub type Adapted<T> = Result<T, ErrorReport>;

/// Maps core errors at the boundary.
pub trait OrRaise<T> {
    /// The value, or an argument error.
    fn or_raise(self) -> Adapted<T>;
}

impl<T> OrRaise<T> for Result<T, CoreError> {
    fn or_raise(self) -> Adapted<T> {
        self.map_err(|error| argument_error(&error))
    }
}
