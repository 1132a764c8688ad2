//! Bounds of a batch: before it is parsed, and of each mutation afterwards.

use super::Mutation;
use crate::error::CoreError;
use crate::json::{self, RawObject};
use crate::limits::Limits;

pub(super) fn check_text(text: &str, limits: &Limits) -> Result<(), CoreError> {
    within("batch_bytes_max", text.len(), limits.batch_bytes_max)?;
    within("depth_max", json::depth(text), limits.depth_max)
}

pub(super) fn check_count(mutations: usize, limits: &Limits) -> Result<(), CoreError> {
    within("mutations_max", mutations, limits.mutations_max)
}

pub(super) fn check_mutation(mutation: &Mutation<'_>, limits: &Limits) -> Result<(), CoreError> {
    within("after_max", mutation.after.len(), limits.after_max)?;
    check_name(Some(&mutation.table), limits)?;
    check_name(mutation.group.as_deref(), limits)?;
    check_name(mutation.function.as_deref(), limits)?;
    check_names(&mutation.key, limits)?;
    check_names(&mutation.patch, limits)?;
    let key_bytes = mutation
        .key
        .iter()
        .map(|(_, value)| value.get().len())
        .sum();
    within("key_bytes_max", key_bytes, limits.key_bytes_max)
}

pub(super) fn check_name(name: Option<&str>, limits: &Limits) -> Result<(), CoreError> {
    within(
        "name_bytes_max",
        name.map_or(0, str::len),
        limits.name_bytes_max,
    )
}

fn check_names(object: &RawObject<'_>, limits: &Limits) -> Result<(), CoreError> {
    let longest = object.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    within("name_bytes_max", longest, limits.name_bytes_max)
}

fn within(name: &'static str, found: usize, max: usize) -> Result<(), CoreError> {
    if found > max {
        Err(CoreError::OverLimit { name, max })
    } else {
        Ok(())
    }
}
