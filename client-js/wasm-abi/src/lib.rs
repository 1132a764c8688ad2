//! What the modules for browsers have in common: how bytes get in and out, how arguments are read and answers are
//! written.
//!
//! JavaScript writes a request, UTF-8 JSON `{"fn": …, "in": …}`, into memory from `abi_alloc`, and hands it to
//! `abi_call`. The answer is `{"out": …}` or `{"error": {"code", "message", "detail", "hint"}}`. A module offers all
//! of it by one line, `offline_sync_wasm_abi::export!(answer);`.
#![no_std]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
pub mod bare;
mod failure;
mod fields;
pub mod memory;
mod write;

pub use failure::{Failure, answer, framed};
pub use fields::{Fields, entry, number, text};
pub use write::{Object, array, string, strings};

/// Exports `abi_alloc`, `abi_free` and `abi_call`, the last for a function from a request to its answer. In the browser
/// only, and by names of their own: elsewhere an exported `free` takes the place of the C library's.
#[macro_export]
macro_rules! export {
    ($answer:path) => {
        /// Memory for a request of `len` bytes; null where there is none.
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        pub extern "C" fn abi_alloc(len: usize) -> *mut u8 {
            $crate::memory::alloc(len)
        }

        /// Gives back memory of [`abi_alloc`] or an answer of [`abi_call`], the prefix counted.
        ///
        /// # Safety
        /// `at` came from one of the two with this `len`, and is not used afterwards.
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        pub unsafe extern "C" fn abi_free(at: *mut u8, len: usize) {
            // SAFETY: the caller promises the same.
            unsafe { $crate::memory::free(at, len) }
        }

        /// Answers the request of `len` bytes at `at`, which stays the caller's. The answer begins with its length in
        /// four bytes, little endian; the caller gives it back with [`abi_free`]. Null where there is no memory for it.
        ///
        /// # Safety
        /// `at` is memory of [`abi_alloc`] with this `len`.
        #[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
        pub unsafe extern "C" fn abi_call(at: *const u8, len: usize) -> *mut u8 {
            // SAFETY: the caller promises the same.
            unsafe { $crate::memory::call(at, len, $answer) }
        }
    };
}
