//! Which version serves, and its bytes: two prepared statements, kept for the life of the backend.

use std::cell::RefCell;
use std::thread::LocalKey;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, Spi, SpiError};

use crate::error::internal_error;

/// A version that the caller may use.
pub struct Found {
    /// Its number.
    pub version: i32,
    /// The hash of its artefact.
    pub sha256: String,
}

type Statement = RefCell<Option<OwnedPreparedStatement>>;

thread_local! {
    static FIND: Statement = const { RefCell::new(None) };
    static ARTIFACT: Statement = const { RefCell::new(None) };
}

/// The version that serves.
///
/// # Errors
/// `42704` where there is none that the caller may use.
pub fn find(name: &str) -> Result<Found, ErrorReport> {
    let row = select(
        &FIND,
        "select version, sha256 from offline_private.find_model($1, null)",
        &[PgBuiltInOids::TEXTOID],
        &[name.into()],
        |table| table.first().get_two::<i32, String>(),
    )?;
    match row {
        (Some(version), Some(sha256)) => Ok(Found { version, sha256 }),
        _ => Err(internal_error(format!("no model {name}"))),
    }
}

/// The bytes of a version.
///
/// # Errors
/// `XX000` where they are gone.
pub fn artifact(name: &str, version: i32, sha256: &str) -> Result<Vec<u8>, ErrorReport> {
    select(
        &ARTIFACT,
        "select offline_private.model_artifact($1, $2, $3)",
        &[
            PgBuiltInOids::TEXTOID,
            PgBuiltInOids::INT4OID,
            PgBuiltInOids::TEXTOID,
        ],
        &[name.into(), version.into(), sha256.into()],
        |table| table.first().get_one::<Vec<u8>>(),
    )?
    .ok_or_else(|| internal_error(format!("model {name} version {version} has no artefact")))
}

fn select<T>(
    statement: &'static LocalKey<Statement>,
    query: &str,
    types: &[PgBuiltInOids],
    arguments: &[DatumWithOid<'_>],
    read: impl FnOnce(pgrx::spi::SpiTupleTable<'_>) -> Result<T, SpiError>,
) -> Result<T, ErrorReport> {
    // Taken out while it runs: what it calls may come back here. An error inside loses it, and it is made anew.
    let prepared = statement.take();
    let (answer, prepared) = Spi::connect(|client| {
        let prepared = match prepared {
            Some(prepared) => prepared,
            None => {
                let types: Vec<PgOid> = types.iter().copied().map(PgOid::from).collect();
                client.prepare(query, &types)?.keep()
            }
        };
        let answer = read(client.select(&prepared, Some(1), arguments)?)?;
        Ok((answer, prepared))
    })
    .map_err(|error: SpiError| internal_error(error.to_string()))?;
    statement.set(Some(prepared));
    Ok(answer)
}
