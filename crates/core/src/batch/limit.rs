//! Bounds of a batch: before it is parsed, and of each mutation afterwards.

use super::Mutation;
use crate::error::CoreError;
use crate::json::{self, RawObject};
use crate::limits::Limits;

/// Levels around a value of a key, patch or before object: batch, mutations, mutation, the object.
const LEVELS_AROUND_MEMBERS: usize = 4;

pub(super) fn check_text(text: &str, limits: &Limits) -> Result<(), CoreError> {
    within("batch_bytes_max", text.len(), limits.batch_bytes_max)
}

/// Checks what is known of a parsed batch as a whole. The parser never recurses into values, so that
/// depth can be measured afterwards.
pub(super) fn check_shape(
    mutations: usize,
    unknown_depth: usize,
    limits: &Limits,
) -> Result<(), CoreError> {
    within("mutations_max", mutations, limits.mutations_max)?;
    within("depth_max", unknown_depth, limits.depth_max)
}

pub(super) fn check_mutation(mutation: &Mutation<'_>, limits: &Limits) -> Result<(), CoreError> {
    within("after_max", mutation.after.len(), limits.after_max)?;
    check_name(Some(&mutation.table), limits)?;
    check_name(mutation.group.as_deref(), limits)?;
    check_name(mutation.function.as_deref(), limits)?;
    check_members(&mutation.key, limits)?;
    check_members(&mutation.patch, limits)?;
    mutation
        .before
        .iter()
        .try_for_each(|before| check_members(before, limits))?;
    let args_depth = mutation.args.map_or(0, |args| json::depth(args.get()));
    within(
        "depth_max",
        LEVELS_AROUND_MEMBERS - 1 + args_depth,
        limits.depth_max,
    )?;
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

fn check_members(object: &RawObject<'_>, limits: &Limits) -> Result<(), CoreError> {
    for (name, value) in object {
        check_name(Some(name), limits)?;
        within(
            "depth_max",
            LEVELS_AROUND_MEMBERS + json::depth(value.get()),
            limits.depth_max,
        )?;
    }
    Ok(())
}

fn within(name: &'static str, found: usize, max: usize) -> Result<(), CoreError> {
    if found > max {
        Err(CoreError::OverLimit { name, max })
    } else {
        Ok(())
    }
}
