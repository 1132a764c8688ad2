//! The push batch: what a device sends, parsed strictly and without copying values.
//!
//! Keys that this release does not know are ignored, so that newer clients are understood. Keys that
//! it does know must have the right type: anything else is `22023` for the whole batch, because a
//! client that cannot encode a batch cannot be trusted with half of one.

mod limit;
mod wire;

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::clock::Hlc;
use crate::error::CoreError;
use crate::json::{self, RawObject};
use crate::limits::Limits;

/// The only batch format there is.
const FORMAT: u64 = 1;

/// A parsed batch. Values borrow from the text it was parsed from.
#[derive(Clone, Debug, Default)]
pub struct Batch<'a> {
    /// When the device sent it, by the device's own clock, as it wrote it.
    pub sent_at: Option<Cow<'a, str>>,
    /// Mutations in ascending seq without gaps; may be empty.
    pub mutations: Vec<Mutation<'a>>,
}

/// One thing that a device did.
#[derive(Clone, Debug)]
pub struct Mutation<'a> {
    /// Number within the device, from 1.
    pub seq: u64,
    /// What it did.
    pub op: Op,
    /// Qualified table name; empty for [`Op::Call`].
    pub table: Cow<'a, str>,
    /// Key columns and their values; empty for [`Op::Call`].
    pub key: RawObject<'a>,
    /// Version of the row that the device saw; `None` when it never saw one.
    pub base: Option<i64>,
    /// Changed columns; empty for [`Op::Delete`] and [`Op::Call`].
    pub patch: RawObject<'a>,
    /// Values that the device saw for the patched columns.
    pub before: Option<RawObject<'a>>,
    /// Claimed clock.
    pub hlc: Option<Hlc>,
    /// Seqs of this device, all smaller than `seq`, that must have succeeded.
    pub after: Vec<u64>,
    /// Mutations of one group are applied together or not at all.
    pub group: Option<Cow<'a, str>>,
    /// 0 (most urgent) to 9; 5 when not given.
    pub priority: i16,
    /// Handler to call, for [`Op::Call`].
    pub function: Option<Cow<'a, str>>,
    /// Its arguments, for [`Op::Call`].
    pub args: Option<&'a RawValue>,
    /// Whether all of its text can be stored: no U+0000 and no lone surrogate anywhere in it.
    pub storable: bool,
}

/// Kind of a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// A new row.
    Insert,
    /// Columns of an existing row.
    Update,
    /// Removal of a row.
    Delete,
    /// Columns of a row that may or may not exist.
    Upsert,
    /// A call of a registered handler.
    Call,
}

impl Op {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Op::Insert => "insert",
            Op::Update => "update",
            Op::Delete => "delete",
            Op::Upsert => "upsert",
            Op::Call => "call",
        }
    }
}

impl FromStr for Op {
    type Err = CoreError;

    fn from_str(name: &str) -> Result<Op, CoreError> {
        match name {
            "insert" => Ok(Op::Insert),
            "update" => Ok(Op::Update),
            "delete" => Ok(Op::Delete),
            "upsert" => Ok(Op::Upsert),
            "call" => Ok(Op::Call),
            _ => Err(CoreError::OutOfRange {
                field: "op",
                expected: "insert, update, delete, upsert or call",
                seq: None,
            }),
        }
    }
}

/// Parses a push batch.
///
/// # Errors
/// `PT413` ([`CoreError::OverLimit`]) where it is larger than `limits`, `PT409`
/// ([`CoreError::SequenceGap`]) where its seqs are not consecutive, `22023` for anything malformed,
/// mistyped or missing.
pub fn parse_batch<'a>(text: &'a str, limits: &Limits) -> Result<Batch<'a>, CoreError> {
    limit::check_text(text, limits)?;
    let mut wire: wire::WireBatch<'a> = json::parse("batch", text)?;
    if wire.v != FORMAT {
        return Err(CoreError::UnknownVersion { found: wire.v });
    }
    limit::check_shape(wire.mutations.len(), wire.unknown_depth, limits)?;
    if let Some(fault) = wire.fault {
        return Err(fault);
    }
    let escapes = text.contains("\\u");
    let first = wire.mutations.first().map_or(0, |mutation| mutation.seq);
    for (expected, mutation) in (first..).zip(&mut wire.mutations) {
        if mutation.seq != expected {
            return Err(CoreError::SequenceGap {
                expected,
                found: mutation.seq,
            });
        }
        limit::check_mutation(mutation, limits)?;
        mutation.storable = !escapes || wire::is_storable(mutation);
    }
    let sent_at = wire.sent_at.map(|name| name.0);
    limit::check_name(sent_at.as_deref(), limits)?;
    Ok(Batch {
        sent_at,
        mutations: wire.mutations,
    })
}
