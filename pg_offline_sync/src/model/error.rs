//! Faults of models as Postgres errors.

use offline_sync_model::ModelError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Maps faults of models at the boundary, with their SQLSTATE and hint.
pub trait OrRaise<T> {
    /// The value, or the error to raise.
    fn or_raise(self) -> Result<T, ErrorReport>;
}

impl<T> OrRaise<T> for Result<T, ModelError> {
    fn or_raise(self) -> Result<T, ErrorReport> {
        self.map_err(|error| report(error.sqlstate(), error.to_string(), error.hint()))
    }
}

/// An error with one of the SQLSTATEs that models use.
pub fn report(sqlstate: &str, message: String, hint: &str) -> ErrorReport {
    let code = match sqlstate {
        "0A000" => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        "22P03" => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
        "42804" => PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        "54000" => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        "57014" => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        "XX000" => PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        _ => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
    };
    let report = ErrorReport::new(code, message, "pg_offline_sync");
    if hint.is_empty() {
        report
    } else {
        report.set_hint(hint)
    }
}
