//! What the server knows about a row besides its values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::json::{Members, RawObject};

/// Who wrote something last, and when. JSON: `[version, hlc, device or null]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "(i64, i64, Option<String>)")]
pub struct Stamp {
    /// Row version of the write.
    pub version: i64,
    /// Its clock.
    pub hlc: i64,
    /// The device that wrote; `None` for a write outside of push.
    pub device: Option<String>,
}

impl From<(i64, i64, Option<String>)> for Stamp {
    fn from((version, hlc, device): (i64, i64, Option<String>)) -> Stamp {
        Stamp {
            version,
            hlc,
            device,
        }
    }
}

impl Stamp {
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
    /// Beginning of the row's present life; while it is deleted, the deletion may stand here. Columns
    /// without a clock of their own were last written at this point.
    pub life: Stamp,
    /// Last write of each column changed since then.
    #[serde(default)]
    pub clocks: BTreeMap<String, Stamp>,
    /// Values at the version that the device saw, as far as the server still has them.
    #[serde(borrow, default, deserialize_with = "optional_object")]
    pub base: Option<RawObject<'a>>,
}

impl RowState<'_> {
    /// Last write of a column.
    #[must_use]
    pub fn stamp(&self, column: &str) -> &Stamp {
        self.clocks.get(column).unwrap_or(&self.life)
    }

    /// Whether anyone but `device` wrote something that it had not seen at `base`.
    pub(super) fn changed_by_others(&self, base: Option<i64>, device: &str) -> bool {
        self.clocks
            .values()
            .chain([&self.life])
            .any(|stamp| stamp.is_unseen(base) && !stamp.is_by(device))
    }
}

fn optional_object<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RawObject<'de>>, D::Error> {
    Ok(Option::<Members<'de>>::deserialize(deserializer)?.map(|members| members.0))
}
