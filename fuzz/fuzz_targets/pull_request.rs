//! Arbitrary text as a pull request, a cursor and a policy.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::pull_request(text));
