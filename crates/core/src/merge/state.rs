//! What the server knows about a row besides its values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::trail::Trail;
use crate::json::{Members, Name, RawObject};

/// Who wrote something last, and when. JSON: `[version, hlc, device or null]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// Row version of the write.
    pub version: i64,
    /// Its clock.
    pub hlc: i64,
    /// The device that wrote; `None` for a write outside of push.
    pub device: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Stamp<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (version, hlc, device) = <(i64, i64, Option<Name<'a>>)>::deserialize(deserializer)?;
        Ok(Stamp {
            version,
            hlc,
            device: device.map(|name| name.0),
        })
    }
}

impl Stamp<'_> {
    /// Whether a device that saw version `base` (or nothing) has not seen this write.
    pub(super) fn is_unseen(&self, base: Option<i64>) -> bool {
        base.is_none_or(|base| self.version > base)
    }

    /// Whether `device` made this write.
    pub(super) fn is_by(&self, device: &str) -> bool {
        self.device.as_deref() == Some(device)
    }
}

/// State of one row.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RowState<'a> {
    /// Canonical row key.
    #[serde(borrow, default)]
    pub key: Cow<'a, str>,
    /// Version of the row.
    pub version: i64,
    /// Clock of its last change.
    pub hlc: i64,
    /// Whether the row is gone.
    #[serde(default)]
    pub deleted: bool,
    /// The device that made the last change; `None` for a write outside of push.
    #[serde(default)]
    pub device: Option<String>,
    /// Beginning of the row's present or last life: columns without a clock of their own were last written
    /// then. A deletion leaves it as it is.
    #[serde(borrow)]
    pub life: Stamp<'a>,
    /// Last write of each column changed since then.
    #[serde(borrow, default)]
    pub clocks: Clocks<'a>,
    /// Values at the version that the device saw, as far as the server still has them.
    #[serde(borrow, default, deserialize_with = "optional_object")]
    pub base: Option<RawObject<'a>>,
    /// What became of contested columns since that version, where their policy asks for it.
    #[serde(borrow, default)]
    pub trail: Trail<'a>,
}

impl<'a> RowState<'a> {
    /// Last write of a column.
    #[must_use]
    pub fn stamp(&self, column: &str) -> &Stamp<'a> {
        let own = self.clocks.0.iter().find(|(name, _)| name == column);
        own.map_or(&self.life, |(_, stamp)| stamp)
    }

    /// All last writes that are on record: those of single columns, then the beginning of this life.
    pub(super) fn stamps(&self) -> impl Iterator<Item = &Stamp<'a>> {
        self.clocks
            .0
            .iter()
            .map(|(_, stamp)| stamp)
            .chain([&self.life])
    }

    /// Whether anyone but `device` wrote something that it had not seen at `base`.
    pub(super) fn changed_by_others(&self, base: Option<i64>, device: &str) -> bool {
        self.stamps()
            .any(|stamp| stamp.is_unseen(base) && !stamp.is_by(device))
    }
}

/// Last writes by column, in the order of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clocks<'a>(pub Vec<(Cow<'a, str>, Stamp<'a>)>);

struct ClocksVisitor;

impl<'de> Visitor<'de> for ClocksVisitor {
    type Value = Clocks<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of column clocks")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Clocks<'de>, A::Error> {
        let mut clocks = Vec::new();
        while let Some((Name(column), stamp)) = map.next_entry()? {
            clocks.push((column, stamp));
        }
        Ok(Clocks(clocks))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Clocks<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClocksVisitor)
    }
}

fn optional_object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RawObject<'de>>, D::Error> {
    Ok(Option::<Members<'de>>::deserialize(deserializer)?.map(|members| members.0))
}
