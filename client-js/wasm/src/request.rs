//! Which function is asked.

use offline_sync_core::CoreError;
use offline_sync_wasm_abi::{Failure, Fields, text};

use crate::{clocks, decide, rows};

/// A refusal of the core, as the database raises it.
pub(crate) fn refused(error: CoreError) -> Failure {
    Failure {
        code: error.sqlstate(),
        message: error.to_string(),
        detail: error.detail(),
        hint: error.hint(),
    }
}

/// Answers one request.
#[must_use]
pub fn answer(request: &[u8]) -> Vec<u8> {
    offline_sync_wasm_abi::answer(request, ask)
}

fn ask(name: &str, input: &str) -> Result<Option<String>, Failure> {
    match name {
        "decide" => decide::decide(&Fields::parse(input)?).map(Some),
        "check_policy" => decide::check_policy(&text(input)?),
        "tick" => clocks::tick(&Fields::parse(input)?).map(Some),
        "observe" => clocks::observe(&Fields::parse(input)?).map(Some),
        "clamp" => clocks::clamp(&Fields::parse(input)?).map(Some),
        "parse_hlc" => Ok(clocks::parse_hlc(&text(input)?)),
        "merge_text" => rows::merge_text(&Fields::parse(input)?).map(Some),
        "diff" => rows::diff(&Fields::parse(input)?),
        "stamp" => rows::stamp(&Fields::parse(input)?).map(Some),
        "canonical_key" => rows::canonical_key(&Fields::parse(input)?),
        "canonical_value" => rows::canonical_value(&Fields::parse(input)?),
        _ => Err(Failure::no_function()),
    }
}
