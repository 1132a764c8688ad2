//! A deterministic simulation: devices with wrong clocks behind a bad network, writers in open transactions, and a server whose
//! rules are those of `offline_sync_core`. The same schedules run against Postgres (see docs/simulation.md).
#![forbid(unsafe_code)]

pub mod answer;
pub mod device;
pub mod model;
pub mod postgres;

pub mod random;
pub mod run;
pub mod step;
pub mod table;
pub mod value;
pub mod world;
