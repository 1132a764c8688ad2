//! The batch as it is on the wire: field by field, with errors that name the field.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Mutation, Op};
use crate::clock::Hlc;
use crate::decimal::Decimal;
use crate::error::CoreError;
use crate::json::{self, Members, Name, RawObject};

const PRIORITY_DEFAULT: i16 = 5;
const PRIORITY_MAX: i16 = 9;

pub(super) struct WireBatch<'a> {
    pub v: u64,
    pub sent_at: Option<Name<'a>>,
    pub mutations: Vec<Mutation<'a>>,
    /// The first mutation that lacks a field or is out of range.
    pub fault: Option<CoreError>,
    /// Depth of the deepest value under a key that is not known.
    pub unknown_depth: usize,
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = WireBatch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireBatch<'de>, A::Error> {
        let (mut v, mut sent_at, mut mutations) = (None, None, None::<Mutations<'de>>);
        let mut unknown_depth = 0;
        while let Some(Name(key)) = map.next_key()? {
            match key.as_ref() {
                "v" => fill(&mut v, "v", &mut map)?,
                "sent_at" => fill(&mut sent_at, "sent_at", &mut map)?,
                "mutations" => fill(&mut mutations, "mutations", &mut map)?,
                _ => unknown_depth = unknown_depth.max(1 + skip(&mut map)?),
            }
        }
        let mutations = mutations.ok_or_else(|| A::Error::missing_field("mutations"))?;
        Ok(WireBatch {
            v: v.ok_or_else(|| A::Error::missing_field("v"))?,
            sent_at: sent_at.flatten(),
            mutations: mutations.list,
            fault: mutations.fault,
            unknown_depth: unknown_depth.max(mutations.unknown_depth),
        })
    }
}

impl<'de> Deserialize<'de> for WireBatch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BatchVisitor)
    }
}

#[derive(Default)]
struct Mutations<'a> {
    list: Vec<Mutation<'a>>,
    fault: Option<CoreError>,
    unknown_depth: usize,
}

struct MutationsVisitor;

impl<'de> Visitor<'de> for MutationsVisitor {
    type Value = Mutations<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of mutations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Mutations<'de>, A::Error> {
        let mut mutations = Mutations::default();
        while let Some(draft) = seq.next_element::<Draft<'de>>()? {
            mutations.unknown_depth = mutations.unknown_depth.max(draft.unknown_depth);
            match draft.finish() {
                Ok(mutation) => mutations.list.push(mutation),
                Err(fault) => drop(mutations.fault.get_or_insert(fault)),
            }
        }
        Ok(mutations)
    }
}

impl<'de> Deserialize<'de> for Mutations<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(MutationsVisitor)
    }
}

/// A mutation whose present fields have the right types. JSON null counts as absent.
#[derive(Default)]
struct Draft<'a> {
    seq: Option<Decimal>,
    op: Option<OpName>,
    table: Option<Option<Name<'a>>>,
    key: Option<Option<Members<'a>>>,
    base: Option<Option<Decimal>>,
    patch: Option<Option<Members<'a>>>,
    before: Option<Option<Members<'a>>>,
    hlc: Option<Option<Decimal>>,
    after: Option<Option<Vec<Decimal>>>,
    group: Option<Option<Name<'a>>>,
    priority: Option<Option<i16>>,
    function: Option<Option<Name<'a>>>,
    args: Option<&'a RawValue>,
    unknown_depth: usize,
}

struct DraftVisitor;

impl<'de> Visitor<'de> for DraftVisitor {
    type Value = Draft<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mutation object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Draft<'de>, A::Error> {
        let mut draft = Draft::default();
        while let Some(Name(key)) = map.next_key()? {
            match key.as_ref() {
                "seq" => fill(&mut draft.seq, "seq", &mut map)?,
                "op" => fill(&mut draft.op, "op", &mut map)?,
                "table" => fill(&mut draft.table, "table", &mut map)?,
                "key" => fill(&mut draft.key, "key", &mut map)?,
                "base" => fill(&mut draft.base, "base", &mut map)?,
                "patch" => fill(&mut draft.patch, "patch", &mut map)?,
                "before" => fill(&mut draft.before, "before", &mut map)?,
                "hlc" => fill(&mut draft.hlc, "hlc", &mut map)?,
                "after" => fill(&mut draft.after, "after", &mut map)?,
                "group" => fill(&mut draft.group, "group", &mut map)?,
                "priority" => fill(&mut draft.priority, "priority", &mut map)?,
                "function" => fill(&mut draft.function, "function", &mut map)?,
                "args" => fill(&mut draft.args, "args", &mut map)?,
                _ => draft.unknown_depth = draft.unknown_depth.max(3 + skip(&mut map)?),
            }
        }
        if draft.seq.is_none() {
            return Err(A::Error::missing_field("seq"));
        }
        Ok(draft)
    }
}

impl<'de> Deserialize<'de> for Draft<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DraftVisitor)
    }
}

/// Reads the value of `name` once; the name goes into the error of a value of the wrong type.
fn fill<'de, A, T>(slot: &mut Option<T>, name: &'static str, map: &mut A) -> Result<(), A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    if slot.is_some() {
        return Err(A::Error::custom(format_args!("duplicate key \"{name}\"")));
    }
    let value = map.next_value();
    *slot = Some(value.map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?);
    Ok(())
}

/// Reads past a value and returns its depth.
fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<usize, A::Error> {
    Ok(json::depth(map.next_value::<&'de RawValue>()?.get()))
}

struct OpName(Op);

impl<'de> Deserialize<'de> for OpName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Name(name) = Name::deserialize(deserializer)?;
        name.parse().map(OpName).map_err(D::Error::custom)
    }
}

impl<'a> Draft<'a> {
    /// Checks presence and ranges.
    fn finish(self) -> Result<Mutation<'a>, CoreError> {
        let seq = self.seq.map_or(0, |seq| seq.0);
        if seq == 0 {
            return Err(out_of_range("seq", "1 or more", None));
        }
        let missing = |field| CoreError::MissingField { seq, field };
        let op = self.op.ok_or(missing("op"))?.0;
        let function = self.function.flatten().map(|name| name.0);
        let mut mutation = Mutation {
            seq,
            op,
            table: Default::default(),
            key: RawObject::new(),
            base: self.base.flatten().map(|base| base.0.cast_signed()),
            patch: RawObject::new(),
            before: self.before.flatten().map(|members| members.0),
            hlc: self.hlc.flatten().map(|hlc| Hlc(hlc.0)),
            after: self
                .after
                .flatten()
                .into_iter()
                .flatten()
                .map(|seq| seq.0)
                .collect(),
            group: self.group.flatten().map(|name| name.0),
            priority: self.priority.flatten().unwrap_or(PRIORITY_DEFAULT),
            function,
            args: self.args,
            storable: true,
        };
        if op == Op::Call {
            mutation.function.as_ref().ok_or(missing("function"))?;
        } else {
            mutation.table = self.table.flatten().ok_or(missing("table"))?.0;
            mutation.key = self.key.flatten().ok_or(missing("key"))?.0;
            if op != Op::Delete {
                mutation.patch = self.patch.flatten().ok_or(missing("patch"))?.0;
            }
        }
        check_ranges(&mutation)?;
        Ok(mutation)
    }
}

fn check_ranges(mutation: &Mutation<'_>) -> Result<(), CoreError> {
    let seq = mutation.seq;
    if mutation.op != Op::Call && mutation.key.is_empty() {
        return Err(out_of_range(
            "key",
            "an object with at least one column",
            Some(seq),
        ));
    }
    if !(0..=PRIORITY_MAX).contains(&mutation.priority) {
        return Err(out_of_range("priority", "0 to 9", Some(seq)));
    }
    if mutation
        .after
        .iter()
        .any(|after| *after == 0 || *after >= seq)
    {
        return Err(out_of_range(
            "after",
            "seqs from 1 to below the mutation's own",
            Some(seq),
        ));
    }
    Ok(())
}

fn out_of_range(field: &'static str, expected: &'static str, seq: Option<u64>) -> CoreError {
    CoreError::OutOfRange {
        field,
        expected,
        seq,
    }
}

/// Whether Postgres can store all text of a mutation.
pub(super) fn is_storable(mutation: &Mutation<'_>) -> bool {
    let names = [
        Some(&mutation.table),
        mutation.group.as_ref(),
        mutation.function.as_ref(),
    ];
    let objects = [
        Some(&mutation.key),
        Some(&mutation.patch),
        mutation.before.as_ref(),
    ];
    names.into_iter().flatten().all(|name| !name.contains('\0'))
        && mutation
            .args
            .is_none_or(|args| json::is_storable(args.get()))
        && objects
            .into_iter()
            .flatten()
            .flatten()
            .all(|(name, value)| !name.contains('\0') && json::is_storable(value.get()))
}
