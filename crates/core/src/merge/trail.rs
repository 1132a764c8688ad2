//! What became of a column since the version that a device saw, write by write.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::same::same_inside;
use crate::json::{Members, Name, RawObject};

/// Histories of contested columns. JSON: `{column: [[version, hlc, device or null, old value], …]}`,
/// oldest first.
#[derive(Clone, Debug, Default)]
pub struct Trail<'a>(Vec<(Cow<'a, str>, Vec<Write<'a>>)>);

/// One write of a column as the history has it.
#[derive(Clone, Debug)]
struct Write<'a> {
    hlc: i64,
    device: Option<Cow<'a, str>>,
    old: &'a RawValue,
}

/// One write of a value: what stood there before and after. `None`: nothing, not even a null.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// Clock of the write.
    pub hlc: i64,
    /// Who wrote; `None` for a write outside of push.
    pub device: Option<&'a str>,
    /// Raw value before.
    pub old: Option<&'a str>,
    /// Raw value after.
    pub new: Option<&'a str>,
}

impl Step<'_> {
    /// Whether `device` made this write.
    pub(super) fn is_by(&self, device: &str) -> bool {
        self.device == Some(device)
    }
}

impl<'a> Trail<'a> {
    /// The writes of one column; `theirs` is its present value. Empty where they are not known.
    pub(super) fn steps<'s>(&'s self, column: &str, theirs: &'s str) -> Vec<Step<'s>> {
        let Some((_, writes)) = self.0.iter().find(|(name, _)| name == column) else {
            return Vec::new();
        };
        let after = writes.iter().skip(1).map(|write| write.old.get());
        let after = after.chain([theirs]);
        let steps = writes.iter().zip(after).map(|(write, new)| Step {
            hlc: write.hlc,
            device: write.device.as_deref(),
            old: Some(write.old.get()),
            new: Some(new),
        });
        steps.collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Trail<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(Members(columns)) = Option::<Members<'de>>::deserialize(deserializer)? else {
            return Ok(Trail::default());
        };
        let read = |(column, writes): (Cow<'de, str>, &'de RawValue)| {
            type Wire<'w> = (i64, i64, Option<Name<'w>>, &'w RawValue);
            let writes: Vec<Wire<'de>> =
                serde_json::from_str(writes.get()).map_err(serde::de::Error::custom)?;
            let write = |(_, hlc, device, old): Wire<'de>| Write {
                hlc,
                device: device.map(|name| name.0),
                old,
            };
            Ok((column, writes.into_iter().map(write).collect()))
        };
        columns
            .into_iter()
            .map(read)
            .collect::<Result<_, D::Error>>()
            .map(Trail)
    }
}

/// Raw values by name.
type Index<'a> = HashMap<Cow<'a, str>, &'a str>;

/// The steps of an object, taken apart so that each member's own steps can be told.
pub(super) struct ObjectSteps<'a> {
    steps: Vec<(Step<'a>, Index<'a>, Index<'a>)>,
}

impl<'a> ObjectSteps<'a> {
    pub(super) fn read(steps: &[Step<'a>]) -> ObjectSteps<'a> {
        let members = |raw: Option<&'a str>| {
            let members = object(raw.unwrap_or("{}")).unwrap_or_default();
            let raw = |(name, value): (Cow<'a, str>, &'a RawValue)| (name, value.get());
            members.into_iter().map(raw).collect()
        };
        let read = |step: &Step<'a>| (step.clone(), members(step.old), members(step.new));
        ObjectSteps {
            steps: steps.iter().map(read).collect(),
        }
    }

    /// The steps that changed the member.
    pub(super) fn of(&self, name: &str) -> Vec<Step<'a>> {
        let narrow = |(step, old, new): &(Step<'a>, Index<'a>, Index<'a>)| Step {
            old: old.get(name).copied(),
            new: new.get(name).copied(),
            ..step.clone()
        };
        let changed = |step: &Step<'_>| match (step.old, step.new) {
            (Some(old), Some(new)) => !same_inside(old, new),
            (None, None) => false,
            _ => true,
        };
        self.steps.iter().map(narrow).filter(changed).collect()
    }
}

/// The members of an object; `None` for anything else.
pub(super) fn object(raw: &str) -> Option<RawObject<'_>> {
    serde_json::from_str::<Members<'_>>(raw)
        .ok()
        .map(|members| members.0)
}

/// The members of an object by name.
pub(super) fn by_name<'o>(object: &'o RawObject<'_>) -> HashMap<&'o str, &'o str> {
    let each = object.iter();
    each.map(|(name, value)| (name.as_ref(), value.get()))
        .collect()
}
