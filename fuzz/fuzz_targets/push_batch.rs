//! Arbitrary text as a push batch.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::push_batch(text));
