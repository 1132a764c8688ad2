//! The core in the browser: the same decisions as in the database, from the same code.
//!
//! JavaScript writes a request, UTF-8 JSON `{"fn": …, "in": …}`, into memory from [`alloc`], and hands it to
//! [`call`]. The answer is `{"out": …}` or `{"error": {"code", "message", "detail", "hint"}}`. Functions and their
//! arguments are those of `testdata/vectors/README.md`. Nothing is kept from one call to the next.

mod abi;
mod clocks;
mod decide;
mod request;
mod rows;

pub use abi::{alloc, call, free};
pub use request::answer;
