//! SQL functions of schema `offline_private`: parse → core → map error, one line each where possible.

pub mod context;
pub mod merge;
pub mod model;
pub mod pull;
pub mod push;
pub mod server;
pub mod train;
