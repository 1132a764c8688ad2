//! What changed between two versions of a row, and the clocks of the changed columns.

use std::collections::HashMap;

use crate::error::CoreError;
use crate::json::{self, Members, RawObject};

/// The columns in which two versions of a row differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDiff {
    /// JSON object of the changed columns before; columns that did not exist are absent.
    pub old: String,
    /// JSON object of the changed columns after; columns that no longer exist are absent.
    pub new: String,
    /// Names of the changed columns: those of the new row in its order, then those that vanished.
    pub columns: Vec<String>,
}

/// Compares two rows given as JSON object text; `None` when no column differs.
///
/// Values are compared as text, which is exact as long as one serialiser (Postgres) wrote both.
///
/// # Errors
/// [`CoreError::BadJson`] where a text is no object.
pub fn row_diff(old: &str, new: &str) -> Result<Option<RowDiff>, CoreError> {
    if old == new {
        return Ok(None);
    }
    let Members(old) = json::parse("old row", old)?;
    let Members(new) = json::parse("new row", new)?;
    let mut diff = DiffWriter::default();
    if same_names(&old, &new) {
        for ((name, before), (_, after)) in old.iter().zip(&new) {
            diff.compare(name, Some(before.get()), Some(after.get()));
        }
    } else {
        let mut before: HashMap<&str, &str> = old
            .iter()
            .map(|(name, value)| (name.as_ref(), value.get()))
            .collect();
        for (name, after) in &new {
            diff.compare(name, before.remove(name.as_ref()), Some(after.get()));
        }
        for (name, value) in &old {
            if before.contains_key(name.as_ref()) {
                diff.compare(name, Some(value.get()), None);
            }
        }
    }
    Ok(diff.finish())
}

fn same_names(old: &RawObject<'_>, new: &RawObject<'_>) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|((a, _), (b, _))| a == b)
}

/// The clocks object of columns written together: `{"title":[19,116…,"device"]}`.
#[must_use]
pub fn stamp_columns(columns: &[String], version: i64, hlc: i64, device: Option<&str>) -> String {
    let mut stamp = format!("[{version},{hlc},");
    match device {
        Some(device) => json::push_string(&mut stamp, device),
        None => stamp.push_str("null"),
    }
    stamp.push(']');
    let mut out = String::with_capacity(columns.len() * (stamp.len() + 24) + 2);
    out.push('{');
    for column in columns {
        json::push_key(&mut out, column);
        out.push_str(&stamp);
    }
    out.push('}');
    out
}

#[derive(Default)]
struct DiffWriter {
    old: String,
    new: String,
    columns: Vec<String>,
}

impl DiffWriter {
    fn compare(&mut self, name: &str, old: Option<&str>, new: Option<&str>) {
        if old == new {
            return;
        }
        append(&mut self.old, name, old);
        append(&mut self.new, name, new);
        self.columns.push(name.to_owned());
    }

    fn finish(mut self) -> Option<RowDiff> {
        if self.columns.is_empty() {
            return None;
        }
        close(&mut self.old);
        close(&mut self.new);
        Some(RowDiff {
            old: self.old,
            new: self.new,
            columns: self.columns,
        })
    }
}

fn append(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        if out.is_empty() {
            out.push('{');
        }
        json::push_key(out, name);
        out.push_str(value);
    }
}

fn close(out: &mut String) {
    if out.is_empty() {
        out.push('{');
    }
    out.push('}');
}
