//! Which policy decides which column of a table.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::contest::{Contest, Resolution};
use super::{
    client_wins, counter, function, last_write_wins, manual, max_min, object, server_wins, set,
    text,
};
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
    /// Elements added by either side, minus those removed by either.
    Set,
    /// Three-way merge of objects, member by member.
    Json,
    /// Three-way merge of text, by words within lines.
    Text,
    /// By the type of the column.
    Merge,
    /// A function of the database's owner, by qualified name.
    Function(String),
}

impl Policy {
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

    /// Whether the policy looks at what became of the column since the base, step by step.
    #[must_use]
    pub const fn needs_trail(&self) -> bool {
        matches!(self, Policy::Set | Policy::Json)
    }

    /// Whether it counts who wrote since the base, should the device not tell what it saw.
    #[must_use]
    pub(super) const fn needs_writes(&self) -> bool {
        matches!(self, Policy::Text)
    }

    /// Whether a value is put together of parts that either side may have written.
    pub(super) const fn has_parts(&self) -> bool {
        self.needs_trail() || self.needs_writes()
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
        matches!(self, Policy::Max | Policy::Min) || self.needs_base()
    }

    /// Whether a device's own later write is taken as it is where only the device wrote since the base:
    /// the values it sends hold what it wrote before.
    pub(super) const fn builds_on_itself(&self) -> bool {
        self.has_parts() || matches!(self, Policy::Function(_))
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
            Policy::Set => set::resolve(contest),
            Policy::Json => object::resolve(contest),
            Policy::Text => text::resolve(contest),
            Policy::Function(_) => function::resolve(contest),
            // `TablePolicy::of` names a concrete policy; without a type nothing but the clock is known.
            Policy::Merge => last_write_wins::resolve(contest),
            Policy::Manual => manual::resolve(contest),
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

/// What kind of values a column holds, as far as `merge` cares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Text that people write.
    Text,
    /// Arrays.
    Array,
    /// `json` and `jsonb`.
    Json,
    /// Everything else: dates, identifiers, enums, bytes.
    #[default]
    Other,
}

impl ColumnKind {
    /// The policy that `merge` stands for.
    fn merged_by(self) -> &'static Policy {
        static BY_CLOCK: Policy = Policy::LastWriteWins;
        static TEXT: Policy = Policy::Text;
        static SET: Policy = Policy::Set;
        static JSON: Policy = Policy::Json;
        match self {
            ColumnKind::Number | ColumnKind::Other => &BY_CLOCK,
            ColumnKind::Text => &TEXT,
            ColumnKind::Array => &SET,
            ColumnKind::Json => &JSON,
        }
    }
}

impl FromStr for ColumnKind {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<ColumnKind, CoreError> {
        match name {
            "number" => Ok(ColumnKind::Number),
            "text" => Ok(ColumnKind::Text),
            "array" => Ok(ColumnKind::Array),
            "json" => Ok(ColumnKind::Json),
            "other" => Ok(ColumnKind::Other),
            _ => Err(CoreError::UnknownPolicy {
                field: "types",
                name: name.to_owned(),
            }),
        }
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
    /// What the columns hold; `merge` needs it.
    pub types: BTreeMap<String, ColumnKind>,
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
    #[serde(default)]
    types: Option<BTreeMap<String, String>>,
}

impl TablePolicy {
    /// Reads the `policy` object of `enable_sync`, with `types` (column: `number`, `text`, `array`, `json`
    /// or `other`) where they are known; absent parts take their defaults.
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
            types: wire
                .types
                .unwrap_or_default()
                .into_iter()
                .map(|(column, kind)| Ok((column, kind.parse()?)))
                .collect::<Result<_, CoreError>>()?,
        })
    }

    /// The policy of a column: the one that decides, where `merge` was asked for.
    #[must_use]
    pub fn of(&self, column: &str) -> &Policy {
        match self.columns.get(column).unwrap_or(&self.default) {
            Policy::Merge => {
                let kind = self.types.get(column).copied().unwrap_or_default();
                kind.merged_by()
            }
            named => named,
        }
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
