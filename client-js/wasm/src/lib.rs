//! The core in the browser: the same decisions as in the database, from the same code.
//!
//! Requests and answers are those of [`offline_sync_wasm_abi`]. Functions and their arguments are those of
//! `testdata/vectors/README.md`. Nothing is kept from one call to the next.

mod clocks;
mod decide;
mod request;
mod rows;

pub use request::answer;

offline_sync_wasm_abi::export!(answer);
