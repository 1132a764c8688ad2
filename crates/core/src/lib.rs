//! The deciding half of `pg_offline_sync`: clocks, merge policies, wire parsing and planning.
//!
//! Everything here is a pure function of its arguments. There is no I/O, no system clock, no
//! randomness and no `unsafe`, so the same code runs inside Postgres and, compiled to WASM, in a
//! browser, and gives the same answer in both.
//!
//! Values of rows are never interpreted unless a merge policy has to: they travel as raw JSON text,
//! so no number is ever rounded on its way through.
//!
//! | module | does |
//! | --- | --- |
//! | [`clock`] | hybrid logical clock values |
//! | [`batch`], [`pull`] | strict parsing of what a device sends, within [`limits`] |
//! | [`tables`] | the registry of synced tables as the database hands it over |
//! | [`plan`](mod@plan) | turns a batch into the fewest set-based runs that keep its meaning |
//! | [`merge`] | decides every column that two devices changed |
//! | [`results`], [`changes`] | render the answers of push and pull |
//! | [`diff`], [`slice`](mod@slice), [`time`] | small helpers over JSON text for the storage layer |
//! | [`error`] | what can be wrong with a whole request, with SQLSTATEs |
#![forbid(unsafe_code)]

pub mod batch;
pub mod changes;
pub mod clock;
mod decimal;
pub mod diff;
pub mod error;
pub mod exact;
mod json;
pub mod limits;
pub mod log;
pub mod merge;
pub mod plan;
pub mod pull;
pub mod results;
pub mod slice;
pub mod tables;
pub mod time;

pub use error::CoreError;
pub use json::RawObject;
