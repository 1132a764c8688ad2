//! The pull request and the cursor inside it.

mod cursor;

use std::borrow::Cow;

use serde::Deserialize;

pub use cursor::{Cursor, Page};

use crate::decimal::Decimal;
use crate::error::CoreError;
use crate::json::{self, Name};
use crate::limits::PullLimits;

/// A parsed pull request, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Token to continue from, for [`Cursor::decode`]; `None` starts over.
    pub cursor: Option<String>,
    /// Rows in the answer, at most.
    pub limit: u32,
    /// Bytes of rows in the answer, at most (the first row always fits).
    pub max_bytes: u64,
    /// Names of the tables wanted; `None` for all.
    pub tables: Option<Vec<String>>,
    /// Results of the device's own mutations up to this seq were processed.
    pub seen_seq: Option<u64>,
    /// Fingerprint of the schema that the client knows.
    pub schema: Option<String>,
}

/// The request as it is on the wire; unknown keys are ignored.
#[derive(Deserialize)]
#[serde(expecting = "a pull request object")]
struct Wire<'a> {
    #[serde(default, borrow)]
    cursor: Option<Cow<'a, str>>,
    #[serde(default)]
    limit: Option<i64>,
    #[serde(default)]
    max_bytes: Option<i64>,
    #[serde(default, borrow)]
    tables: Option<Vec<Name<'a>>>,
    #[serde(default)]
    seen_seq: Option<Decimal>,
    #[serde(default, borrow)]
    schema: Option<Name<'a>>,
}

impl PullRequest {
    /// Parses a request.
    ///
    /// # Errors
    /// `22023` where it is no object, a known key has the wrong type, `limit` is not within
    /// `1..=limit_max` or `max_bytes` is below 1; `PT413` where it is over a limit of `limits`. A
    /// larger `max_bytes` than allowed is cut, not refused.
    pub fn parse(text: &str, limits: &PullLimits) -> Result<PullRequest, CoreError> {
        within("request_bytes_max", text.len(), limits.request_bytes_max)?;
        let wire: Wire<'_> = json::parse_object("pull request", text)?;
        let limit = wire.limit.unwrap_or(i64::from(limits.limit_default));
        let limit = u32::try_from(limit)
            .ok()
            .filter(|limit| (1..=limits.limit_max).contains(limit))
            .ok_or(out_of_range("limit", "1 to the server's largest page"))?;
        let max_bytes = match wire.max_bytes {
            None => limits.max_bytes_default,
            Some(bytes) => u64::try_from(bytes)
                .ok()
                .filter(|bytes| *bytes > 0)
                .ok_or(out_of_range("max_bytes", "1 or more"))?
                .min(limits.max_bytes_max),
        };
        within(
            "tables_max",
            wire.tables.as_ref().map_or(0, Vec::len),
            limits.tables_max,
        )?;
        let name = |field, name: Name<'_>| checked_name(field, name, limits);
        let tables = wire
            .tables
            .map(|names| {
                names
                    .into_iter()
                    .map(|table| name("tables", table))
                    .collect()
            })
            .transpose()?;
        Ok(PullRequest {
            cursor: wire.cursor.map(Cow::into_owned),
            limit,
            max_bytes,
            tables,
            seen_seq: wire.seen_seq.map(|seq| seq.0),
            schema: wire
                .schema
                .map(|schema| name("schema", schema))
                .transpose()?,
        })
    }
}

fn checked_name(
    field: &'static str,
    name: Name<'_>,
    limits: &PullLimits,
) -> Result<String, CoreError> {
    within("name_bytes_max", name.0.len(), limits.name_bytes_max)?;
    if name.0.contains('\0') {
        return Err(out_of_range(field, "text that Postgres can store"));
    }
    Ok(name.0.into_owned())
}

fn within(name: &'static str, found: usize, max: usize) -> Result<(), CoreError> {
    if found > max {
        Err(CoreError::OverLimit { name, max })
    } else {
        Ok(())
    }
}

fn out_of_range(field: &'static str, expected: &'static str) -> CoreError {
    CoreError::OutOfRange {
        field,
        expected,
        seq: None,
    }
}
