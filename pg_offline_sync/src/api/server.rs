//! Facts about the server that SQL cannot get cheaply.

use std::time::{SystemTime, UNIX_EPOCH};

use offline_sync_core::time::utc_text;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::internal_error;
use crate::settings;

/// Identity of this continuous history: system identifier, timeline and database oid.
///
/// Called once a captured statement, so it reads shared memory rather than `pg_control`.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
pub fn history_identity() -> String {
    // SAFETY: plain reads of the server's own state without arguments that could be wrong. The insert
    // timeline is only defined outside of recovery; a standby asks for the timeline it replays.
    let (system, timeline, database) = unsafe {
        let timeline = if pg_sys::RecoveryInProgress() {
            let mut timeline: pg_sys::TimeLineID = 0;
            pg_sys::GetXLogReplayRecPtr(&mut timeline);
            timeline
        } else {
            pg_sys::GetWALInsertionTimeLine()
        };
        (
            pg_sys::GetSystemIdentifier(),
            timeline,
            pg_sys::MyDatabaseId,
        )
    };
    format!("{system}:{timeline}:{}", database.to_u32())
}

/// The server's time: milliseconds since 1970.
#[pg_extern(volatile, parallel_safe, schema = "offline_private")]
pub fn now_ms() -> i64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// The server's clock value: milliseconds in the upper 48 bits, counter 0.
#[pg_extern(volatile, parallel_safe, schema = "offline_private")]
pub fn now_hlc() -> i64 {
    now_ms() << 16
}

/// The server's time as ISO 8601 in UTC with milliseconds.
#[pg_extern(volatile, parallel_safe, schema = "offline_private")]
pub fn now_text() -> String {
    utc_text(now_ms())
}

/// Random bytes from the operating system, for device secrets.
#[pg_extern(volatile, parallel_safe, schema = "offline_private")]
pub fn random_bytes(count: i32) -> Result<Vec<u8>, ErrorReport> {
    let mut bytes = vec![0; usize::try_from(count.clamp(0, 1_024)).unwrap_or_default()];
    getrandom::fill(&mut bytes)
        .map_err(|error| internal_error(format!("no randomness from the system: {error}")))?;
    Ok(bytes)
}

/// How far a device's clock may be ahead of the server's, in milliseconds.
#[pg_extern(stable, parallel_safe, schema = "offline_private")]
pub fn clock_bound_ms() -> i64 {
    i64::from(settings::clock_bound_ms())
}

/// The extension's version.
#[pg_extern(stable, parallel_safe)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// `native`: the pure functions are the Rust ones.
#[pg_extern(stable, parallel_safe)]
pub fn tier() -> &'static str {
    "native"
}
