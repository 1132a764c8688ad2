//! What became of a column since the version that a device saw, write by write.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::same::same_inside;
use crate::json::{self, Members, Name, RawObject};

/// Histories of contested columns. JSON: `{column: [[version, hlc, device or null, old value], …]}`,
/// oldest first; without the old value where it does not count, or where it would be too much to look at.
#[derive(Clone, Debug, Default)]
pub struct Trail<'a>(Vec<(Cow<'a, str>, Vec<Write<'a>>)>);

/// One write of a column as the history has it.
#[derive(Clone, Debug)]
struct Write<'a> {
    hlc: i64,
    device: Option<Cow<'a, str>>,
    old: Option<&'a RawValue>,
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
    /// The writes of one column from the first on since when all old values are known; `theirs` is its present value.
    pub(super) fn steps<'s>(&'s self, column: &str, theirs: &'s str) -> Vec<Step<'s>> {
        let writes = self.writes(column);
        let unknown = writes.iter().rposition(|write| write.old.is_none());
        let known = &writes[unknown.map_or(0, |at| at + 1)..];
        let old = |write: &Write<'s>| write.old.map(RawValue::get);
        let after = known.iter().skip(1).map(old).chain([Some(theirs)]);
        let steps = known.iter().zip(after).map(|(write, new)| Step {
            hlc: write.hlc,
            device: write.device.as_deref(),
            old: old(write),
            new,
        });
        steps.collect()
    }

    /// Whether all writes of a column were made by `device`.
    pub(super) fn is_by(&self, column: &str, device: &str) -> bool {
        let mut writes = self.writes(column).iter();
        writes.all(|write| write.device.as_deref() == Some(device))
    }

    fn writes(&self, column: &str) -> &[Write<'a>] {
        let found = self.0.iter().find(|(name, _)| name == column);
        found.map_or(&[], |(_, writes)| writes)
    }
}

/// A write on the wire.
#[derive(Deserialize)]
struct Wire<'w>(
    #[allow(dead_code)] i64,
    i64,
    #[serde(borrow)] Option<Name<'w>>,
    #[serde(borrow, default, deserialize_with = "json::present")] Option<&'w RawValue>,
);

impl<'de: 'a, 'a> Deserialize<'de> for Trail<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(Members(columns)) = Option::<Members<'de>>::deserialize(deserializer)? else {
            return Ok(Trail::default());
        };
        let read = |(column, writes): (Cow<'de, str>, &'de RawValue)| {
            let writes: Vec<Wire<'de>> =
                serde_json::from_str(writes.get()).map_err(serde::de::Error::custom)?;
            let write = |Wire(_, hlc, device, old): Wire<'de>| Write {
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
