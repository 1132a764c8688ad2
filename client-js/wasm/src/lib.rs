//! The core in the browser: the same decisions as in the database, from the same code.
//!
//! JavaScript writes a request, UTF-8 JSON `{"fn": …, "in": …}`, into memory from [`core_alloc`], and hands it to
//! [`core_call`]. The answer is `{"out": …}` or `{"error": {"code", "message", "detail", "hint"}}`. Functions and their
//! arguments are those of `testdata/vectors/README.md`. Nothing is kept from one call to the next.

mod abi;
mod clocks;
mod decide;
mod fields;
mod request;
mod rows;
mod write;

pub use abi::{core_alloc, core_call, core_free};
pub use request::answer;
