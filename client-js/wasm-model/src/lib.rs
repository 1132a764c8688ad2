//! The models in the browser: the same scores as in the database, from the same code.
//!
//! Requests and answers are those of [`offline_sync_wasm_abi`]; the functions are listed in `client-js/wasm-model/README.md`.
//! Models are decoded once and kept by handle until they are released. Vectors of numbers are scored without
//! JSON: JavaScript writes them to [`model_input`] and calls [`model_score`].
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod held;
mod request;
mod vectors;

pub use held::{model_decode, model_input, model_score, model_sha256};
pub use request::answer;

offline_sync_wasm_abi::export!(answer);

#[cfg(target_arch = "wasm32")]
offline_sync_wasm_abi::bare!();
