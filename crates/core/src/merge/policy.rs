//! Which policy decides which column of a table.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::contest::{Contest, Resolution};
use super::{client_wins, counter, last_write_wins, manual, max_min, server_wins};
use crate::error::CoreError;
use crate::json;

/// The rule that decides a column changed on both sides since the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The later clock.
    #[default]
    LastWriteWins,
    /// The device.
    ClientWins,
    /// The server.
    ServerWins,
    /// The sum of all increments.
    Counter,
    /// The larger value.
    Max,
    /// The smaller value.
    Min,
    /// A person.
    Manual,
    /// Three-way merge of sets. Known, not supported yet.
    Set,
    /// Three-way merge of JSON. Known, not supported yet.
    Json,
    /// Three-way merge of text. Known, not supported yet.
    Text,
    /// By the type of the column. Known, not supported yet.
    Merge,
    /// A function of the database's owner, by qualified name. Known, not supported yet.
    Function(String),
}

impl Policy {
    /// Whether this release can decide by it. `enable_sync` refuses the others (`0A000`).
    #[must_use]
    pub const fn is_supported(&self) -> bool {
        !matches!(
            self,
            Policy::Set | Policy::Json | Policy::Text | Policy::Merge | Policy::Function(_)
        )
    }

    /// Whether the policy looks at the value that the device started from.
    #[must_use]
    pub const fn needs_base(&self) -> bool {
        matches!(
            self,
            Policy::Counter
                | Policy::Set
                | Policy::Json
                | Policy::Text
                | Policy::Merge
                | Policy::Function(_)
        )
    }

    /// The name in `enable_sync` and in the conflict log.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Policy::LastWriteWins => "last_write_wins",
            Policy::ClientWins => "client_wins",
            Policy::ServerWins => "server_wins",
            Policy::Counter => "counter",
            Policy::Max => "max",
            Policy::Min => "min",
            Policy::Manual => "manual",
            Policy::Set => "set",
            Policy::Json => "json",
            Policy::Text => "text",
            Policy::Merge => "merge",
            Policy::Function(name) => name,
        }
    }

    /// Whether the result is made of both sides' changes.
    ///
    /// Such a column may hold more than its last writer wrote, so a device's later write has to be
    /// combined too, even when the last writer was the device itself.
    pub(super) const fn combines(&self) -> bool {
        matches!(self, Policy::Counter | Policy::Max | Policy::Min)
    }

    /// Whether equal values mean that there is nothing to decide. Two equal counts are two increments.
    pub(super) const fn settles_equal(&self) -> bool {
        !matches!(self, Policy::Counter)
    }

    pub(super) fn resolve(&self, contest: &Contest<'_>) -> Resolution {
        match self {
            Policy::LastWriteWins => last_write_wins::resolve(contest),
            Policy::ClientWins => client_wins::resolve(contest),
            Policy::ServerWins => server_wins::resolve(contest),
            Policy::Counter => counter::resolve(contest),
            Policy::Max => max_min::resolve_max(contest),
            Policy::Min => max_min::resolve_min(contest),
            Policy::Manual
            | Policy::Set
            | Policy::Json
            | Policy::Text
            | Policy::Merge
            | Policy::Function(_) => manual::resolve(contest),
        }
    }
}

impl FromStr for Policy {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<Policy, CoreError> {
        const NAMED: [Policy; 11] = [
            Policy::LastWriteWins,
            Policy::ClientWins,
            Policy::ServerWins,
            Policy::Counter,
            Policy::Max,
            Policy::Min,
            Policy::Manual,
            Policy::Set,
            Policy::Json,
            Policy::Text,
            Policy::Merge,
        ];
        NAMED
            .into_iter()
            .find(|policy| policy.name() == name)
            .ok_or_else(|| CoreError::UnknownPolicy {
                field: "policy",
                name: name.to_owned(),
            })
    }
}

/// What happens to a row that one side deleted and the other edited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// The edit wins: nothing that a person wrote disappears.
    #[default]
    UpdateWins,
    /// The deletion wins.
    DeleteWins,
    /// A person decides.
    Manual,
}

impl OnDelete {
    /// The name in `enable_sync` and in the conflict log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            OnDelete::UpdateWins => "update_wins",
            OnDelete::DeleteWins => "delete_wins",
            OnDelete::Manual => "manual",
        }
    }
}

impl FromStr for OnDelete {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<OnDelete, CoreError> {
        [OnDelete::UpdateWins, OnDelete::DeleteWins, OnDelete::Manual]
            .into_iter()
            .find(|rule| rule.name() == name)
            .ok_or_else(|| CoreError::UnknownPolicy {
                field: "on_delete",
                name: name.to_owned(),
            })
    }
}

/// Policies of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TablePolicy {
    /// For columns that are not named.
    pub default: Policy,
    /// For deletion against a concurrent edit.
    pub on_delete: OnDelete,
    /// For single columns.
    pub columns: BTreeMap<String, Policy>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a policy object")]
struct Wire<'a> {
    #[serde(default)]
    default: Option<Spec>,
    #[serde(default, borrow)]
    on_delete: Option<Cow<'a, str>>,
    #[serde(default)]
    columns: Option<BTreeMap<String, Spec>>,
}

impl TablePolicy {
    /// Reads the `policy` object of `enable_sync`; absent parts take their defaults.
    ///
    /// # Errors
    /// [`CoreError::UnknownPolicy`] for a name that does not exist, [`CoreError::BadJson`] for another
    /// shape or an unknown key.
    pub fn parse(text: &str) -> Result<TablePolicy, CoreError> {
        let wire: Wire<'_> = json::parse_object("policy", text)?;
        let columns = wire.columns.unwrap_or_default();
        Ok(TablePolicy {
            default: wire.default.map_or(Ok(Policy::default()), Spec::policy)?,
            on_delete: wire
                .on_delete
                .map_or(Ok(OnDelete::default()), |name| name.parse())?,
            columns: columns
                .into_iter()
                .map(|(column, spec)| Ok((column, spec.policy()?)))
                .collect::<Result<_, CoreError>>()?,
        })
    }

    /// The policy of a column.
    #[must_use]
    pub fn of(&self, column: &str) -> &Policy {
        self.columns.get(column).unwrap_or(&self.default)
    }

    /// The first policy that this release cannot decide by, with its column (`None`: the default).
    #[must_use]
    pub fn unsupported(&self) -> Option<(Option<&str>, &Policy)> {
        let columns = self
            .columns
            .iter()
            .map(|(column, policy)| (Some(column.as_str()), policy));
        [(None, &self.default)]
            .into_iter()
            .chain(columns)
            .find(|(_, p)| !p.is_supported())
    }
}

/// A policy as it is written: a name, or `{"function": "schema.name"}`.
enum Spec {
    Named(String),
    Function(String),
}

impl Spec {
    fn policy(self) -> Result<Policy, CoreError> {
        match self {
            Spec::Named(name) => name.parse(),
            Spec::Function(name) => Ok(Policy::Function(name)),
        }
    }
}

struct SpecVisitor;

impl<'de> Visitor<'de> for SpecVisitor {
    type Value = Spec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a policy, or an object with \"function\"")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Spec, E> {
        Ok(Spec::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Spec, A::Error> {
        match map.next_entry::<String, String>()? {
            Some((key, name)) if key == "function" && !name.is_empty() => {
                match map.next_key::<String>()? {
                    None => Ok(Spec::Function(name)),
                    Some(key) => Err(de::Error::unknown_field(&key, &["function"])),
                }
            }
            _ => Err(de::Error::missing_field("function")),
        }
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpecVisitor)
    }
}
