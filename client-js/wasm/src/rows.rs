//! Differences of rows, merged texts, and the one spelling of keys and values.

use offline_sync_core::diff;
use offline_sync_core::exact::ValueForm;
use offline_sync_core::merge;
use offline_sync_core::plan;
use offline_sync_core::tables::{KeyColumn, KeyKind};
use offline_sync_wasm_abi::{Failure, Fields, Object, number, string, strings};

use crate::request::refused;

pub(crate) fn diff(rows: &Fields<'_>) -> Result<Option<String>, Failure> {
    let found = diff::row_diff(&rows.text("old")?, &rows.text("new")?).map_err(refused)?;
    Ok(found.map(|found| {
        let mut out = Object::new();
        out.text("old", &found.old);
        out.text("new", &found.new);
        out.raw("columns", &strings(&found.columns));
        out.close()
    }))
}

pub(crate) fn merge_text(input: &Fields<'_>) -> Result<String, Failure> {
    let (base, mine, theirs) = (
        input.text("base")?,
        input.text("mine")?,
        input.text("theirs")?,
    );
    let merged = merge::merge_text(&base, &mine, &theirs);
    let mut out = Object::new();
    out.text("text", &merged.text);
    out.flag("overlap", merged.overlap);
    Ok(out.close())
}

pub(crate) fn stamp(input: &Fields<'_>) -> Result<String, Failure> {
    let (version, hlc) = (
        number(&input.text("version")?)?,
        number(&input.text("hlc")?)?,
    );
    let device = input.maybe_text("device")?;
    let stamped = diff::stamp_columns(&input.texts("columns")?, version, hlc, device.as_deref());
    Ok(string(&stamped))
}

pub(crate) fn canonical_key(input: &Fields<'_>) -> Result<Option<String>, Failure> {
    let mut columns = Vec::new();
    for column in input.list("columns")? {
        let column = Fields::parse(column.get())?;
        let (name, kind) = (column.text("name")?, key_kind(&column.text("kind")?)?);
        columns.push(KeyColumn { name, kind });
    }
    let key = plan::canonical_key(&input.text("key")?, &columns).map_err(refused)?;
    Ok(key.as_deref().map(string))
}

pub(crate) fn canonical_value(input: &Fields<'_>) -> Result<Option<String>, Failure> {
    let form = value_form(&input.text("form")?);
    let value = input.text("value")?;
    Ok(form.canonical(&value).as_deref().map(string))
}

fn key_kind(name: &str) -> Result<KeyKind, Failure> {
    match name {
        "uuid" => Ok(KeyKind::Uuid),
        "int" => Ok(KeyKind::Int),
        "text" => Ok(KeyKind::Text),
        "other" => Ok(KeyKind::Other),
        _ => Err(Failure::argument("there is no such kind of key")),
    }
}

/// By the letter that the registry uses.
fn value_form(letter: &str) -> ValueForm {
    match letter {
        "u" => ValueForm::Uuid,
        "i" => ValueForm::Int,
        "l" => ValueForm::LongInt,
        "b" => ValueForm::Bool,
        "s" => ValueForm::Text,
        "z" => ValueForm::Timestamp,
        "d" => ValueForm::Date,
        _ => ValueForm::Other,
    }
}
