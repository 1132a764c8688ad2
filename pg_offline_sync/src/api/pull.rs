//! Pull: the request, the cursor, and the rendering of changes.

use std::collections::BTreeMap;

use offline_sync_core::CoreError;
use offline_sync_core::changes::{self, Change, Kind};
use offline_sync_core::pull::{Cursor, PullRequest};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::OrRaise;
use crate::settings;

/// Parses a pull request; the cursor comes back as JSON text (see `Cursor` in the core).
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
#[allow(clippy::type_complexity)]
pub fn parse_pull(
    request: &str,
) -> TableIterator<
    'static,
    (
        name!(cursor, Option<String>),
        name!(row_limit, Option<i32>),
        name!(bytes_max, Option<i64>),
        name!(tables, Option<Vec<String>>),
        name!(seen_seq, Option<i64>),
        name!(schema, Option<String>),
        name!(code, Option<String>),
        name!(message, Option<String>),
        name!(detail, Option<String>),
        name!(hint, Option<String>),
    ),
> {
    let row = match read_request(request) {
        Ok((cursor, request)) => (
            cursor,
            i32::try_from(request.limit).ok(),
            i64::try_from(request.max_bytes).ok(),
            request.tables,
            request.seen_seq.and_then(|seq| i64::try_from(seq).ok()),
            request.schema,
            None,
            None,
            None,
            None,
        ),
        Err(error) => (
            None,
            None,
            None,
            None,
            None,
            None,
            Some(error.sqlstate().to_owned()),
            Some(error.to_string()),
            error.detail(),
            error.hint().map(str::to_owned),
        ),
    };
    TableIterator::once(row)
}

fn read_request(text: &str) -> Result<(Option<String>, PullRequest), CoreError> {
    let request = PullRequest::parse(text, &settings::pull_limits())?;
    let cursor = match &request.cursor {
        Some(token) => Some(Cursor::decode(token)?.to_json()?),
        None => None,
    };
    Ok((cursor, request))
}

/// The opaque token of a cursor given as JSON text.
#[pg_extern(immutable, parallel_safe, strict, schema = "offline_private")]
pub fn encode_cursor(cursor: &str) -> Result<String, ErrorReport> {
    Cursor::from_json(cursor)
        .and_then(|cursor| cursor.encode())
        .or_raise()
}

/// Renders `changes` up to `bytes_max`; also says how many entries of the feed it took in.
#[pg_extern(immutable, parallel_safe, schema = "offline_private")]
pub fn render_changes(
    table_ids: Vec<i32>,
    names: pgrx::JsonB,
    scopes: Vec<String>,
    versions: Vec<i64>,
    kinds: Vec<String>,
    payloads: Vec<Option<String>>,
    bytes_max: i64,
) -> TableIterator<'static, (name!(changes, String), name!(taken, i32))> {
    let names: BTreeMap<String, &str> = names
        .0
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(id, name)| Some((id.clone(), name.as_str()?)))
        .collect();
    let list: Vec<Change<'_>> = table_ids
        .iter()
        .zip(&scopes)
        .zip(&versions)
        .zip(&kinds)
        .zip(&payloads)
        .map(|((((id, scope), version), kind), payload)| Change {
            table: names.get(&id.to_string()).copied().unwrap_or_default(),
            scope,
            version: *version,
            kind: if payload.is_some() {
                Kind::from_letter(kind)
            } else {
                Kind::Skip
            },
            payload: payload.as_deref().unwrap_or_default(),
        })
        .collect();
    let (text, taken) =
        changes::render_changes(&list, usize::try_from(bytes_max).unwrap_or(usize::MAX));
    TableIterator::once((text, i32::try_from(taken).unwrap_or(i32::MAX)))
}
