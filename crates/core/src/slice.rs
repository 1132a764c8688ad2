//! Cutting a piece out of a JSON array.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decimal::Decimal;
use crate::error::CoreError;
use crate::json;

/// The elements `from..to` of a JSON array as a JSON array, each element's text untouched.
///
/// # Errors
/// [`CoreError::BadJson`] where the text is no array, [`CoreError::BadSlice`] where the range is
/// reversed or ends after the last element.
pub fn slice_json_array(array_text: &str, from: usize, to: usize) -> Result<String, CoreError> {
    let elements: Vec<&RawValue> = json::parse("array", array_text)?;
    let wanted = elements.get(from..to).ok_or(CoreError::BadSlice {
        from,
        to,
        len: elements.len(),
    })?;
    let bytes: usize = wanted.iter().map(|element| element.get().len() + 1).sum();
    let mut out = String::with_capacity(bytes + 2);
    out.push('[');
    for (at, element) in wanted.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(element.get());
    }
    out.push(']');
    Ok(out)
}
#[derive(Deserialize)]
struct Mutations<'a> {
    #[serde(borrow)]
    mutations: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Numbered {
    seq: Decimal,
}

/// The text of the mutations with these seqs, as the device wrote it.
///
/// # Errors
/// [`CoreError::BadJson`] where the text is no batch.
pub fn extract_mutations(
    batch: &str,
    wanted: &BTreeSet<u64>,
) -> Result<Vec<(u64, String)>, CoreError> {
    let Mutations { mutations } = json::parse("batch", batch)?;
    let mut found = Vec::with_capacity(wanted.len());
    for mutation in mutations {
        let Numbered { seq: Decimal(seq) } = json::parse("batch", mutation.get())?;
        if wanted.contains(&seq) {
            found.push((seq, mutation.get().to_owned()));
        }
    }
    Ok(found)
}
