//! The opaque token that says up to where a device has pulled.
//!
//! A cursor is held by the device, so its content is a claim: it is validated here for shape, and the
//! database decides what the caller may see whatever the cursor says.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::decimal;
use crate::error::CoreError;
use crate::json;

/// First character of every token: the format of what follows.
const FORMAT: char = '1';

/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 1_000_000;

/// Everything committed and visible before it has been pulled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Epoch of the database that made it.
    pub epoch: String,
    /// `pg_snapshot` of the last complete pull, as text.
    pub snapshot: String,
    /// Scopes that the caller had, by table id in decimal.
    pub scopes: BTreeMap<String, Vec<String>>,
    /// Fingerprint of the policies, by table id in decimal.
    pub policies: BTreeMap<String, String>,
    /// Where to go on, while a pull of several pages is under way.
    pub page: Option<Page>,
}

/// Place inside a pull of several pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// `pg_snapshot` of the first page, which becomes the cursor's when the last page is done.
    pub upper: String,
    /// Era of the last row sent.
    pub era: i32,
    /// Transaction of the last row sent.
    pub xid: u64,
    /// Version of the last row sent.
    pub version: i64,
    /// Scopes that are sent from the start, by table id in decimal.
    pub fresh: BTreeMap<String, Vec<String>>,
}

impl Cursor {
    /// The token.
    ///
    /// # Errors
    /// [`CoreError::BadCursor`] where [`Cursor::decode`] would refuse the token.
    pub fn encode(&self) -> Result<String, CoreError> {
        self.validate()?;
        let mut token = String::from(FORMAT);
        URL_SAFE_NO_PAD.encode_string(self.to_json()?, &mut token);
        if token.len() > TOKEN_BYTES_MAX {
            Err(bad("too long"))
        } else {
            Ok(token)
        }
    }

    /// The cursor as a JSON object with the names of its fields, for the database to work with.
    ///
    /// # Errors
    /// None in practice: the type has no value that JSON cannot hold.
    pub fn to_json(&self) -> Result<String, CoreError> {
        serde_json::to_string(self).map_err(|_| bad("cannot be written"))
    }

    /// Reads what [`Cursor::to_json`] writes.
    ///
    /// # Errors
    /// [`CoreError::BadCursor`] where a field is missing, unknown, mistyped or malformed.
    pub fn from_json(json: &str) -> Result<Cursor, CoreError> {
        let cursor: Cursor = json::parse_object("cursor", json).map_err(|_| bad("not a cursor"))?;
        cursor.validate()?;
        Ok(cursor)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`CoreError::BadCursor`] for anything that [`Cursor::encode`] cannot have written.
    pub fn decode(token: &str) -> Result<Cursor, CoreError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(bad("too long"));
        }
        let body = token.strip_prefix(FORMAT).ok_or(bad("unknown format"))?;
        let json = URL_SAFE_NO_PAD
            .decode(body)
            .map_err(|_| bad("not base64url"))?;
        Cursor::from_json(&String::from_utf8(json).map_err(|_| bad("not UTF-8"))?)
    }

    fn validate(&self) -> Result<(), CoreError> {
        let fresh = self.page.iter().flat_map(|page| &page.fresh);
        let ids = self
            .scopes
            .keys()
            .chain(self.policies.keys())
            .chain(fresh.clone().map(|f| f.0));
        if !ids.clone().all(|id| is_table_id(id)) {
            return Err(bad("not a table id"));
        }
        let scopes = self.scopes.values().chain(fresh.map(|f| f.1)).flatten();
        let texts = scopes.chain(self.policies.values()).chain([&self.epoch]);
        if texts.into_iter().any(|text| text.contains('\0')) {
            return Err(bad("text holds U+0000"));
        }
        let upper = self.page.iter().map(|page| &page.upper);
        if ![&self.snapshot]
            .into_iter()
            .chain(upper)
            .all(|text| is_snapshot(text))
        {
            return Err(bad("not a snapshot"));
        }
        match &self.page {
            Some(page) if page.version < 0 || page.era < 0 => Err(bad("negative position")),
            _ => Ok(()),
        }
    }
}

fn bad(reason: &'static str) -> CoreError {
    CoreError::BadCursor { reason }
}

fn is_table_id(text: &str) -> bool {
    text.parse::<i32>()
        .is_ok_and(|id| id >= 0 && id.to_string() == text)
}

/// The rules of Postgres' own `pg_snapshot` input: `xmin:xmax:xip,…`, xids in order and in range.
fn is_snapshot(text: &str) -> bool {
    let mut parts = text.split(':');
    let (Some(xmin), Some(xmax), Some(xip), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(xmin), Some(xmax)) = (decimal::parse_digits(xmin), decimal::parse_digits(xmax))
    else {
        return false;
    };
    let in_range = xmin > 0 && xmax >= xmin;
    let mut least = xmin;
    let xids_fit = xip.is_empty()
        || xip.split(',').all(|xid| match decimal::parse_digits(xid) {
            Some(xid) if xid >= least && xid < xmax => {
                least = xid;
                true
            }
            _ => false,
        });
    in_range && xids_fit
}
