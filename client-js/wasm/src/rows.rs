//! Differences of rows, and the one spelling of keys and values.

use offline_sync_core::diff;
use offline_sync_core::exact::ValueForm;
use offline_sync_core::plan;
use offline_sync_core::tables::KeyColumn;
use serde::{Deserialize, Serialize};

use crate::decide::number;
use crate::request::Failure;

#[derive(Deserialize)]
pub(crate) struct Rows {
    old: String,
    new: String,
}

#[derive(Serialize)]
pub(crate) struct Diff {
    old: String,
    new: String,
    columns: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Stamp {
    columns: Vec<String>,
    version: String,
    hlc: String,
    device: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Key {
    columns: Vec<KeyColumn>,
    key: String,
}

#[derive(Deserialize)]
pub(crate) struct Value {
    form: ValueForm,
    value: String,
}

pub(crate) fn diff(rows: &Rows) -> Result<Option<Diff>, Failure> {
    let found = diff::row_diff(&rows.old, &rows.new)?;
    Ok(found.map(|found| Diff {
        old: found.old,
        new: found.new,
        columns: found.columns,
    }))
}

pub(crate) fn stamp(input: &Stamp) -> Result<String, Failure> {
    let (version, hlc) = (number(&input.version)?, number(&input.hlc)?);
    Ok(diff::stamp_columns(
        &input.columns,
        version,
        hlc,
        input.device.as_deref(),
    ))
}

pub(crate) fn canonical_key(input: &Key) -> Result<Option<String>, Failure> {
    Ok(plan::canonical_key(&input.key, &input.columns)?)
}

pub(crate) fn canonical_value(input: &Value) -> Result<Option<String>, Failure> {
    Ok(input
        .form
        .canonical(&input.value)
        .map(std::borrow::Cow::into_owned))
}
