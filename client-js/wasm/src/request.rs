//! Which function is asked, and how its answer or its failure is written.

use offline_sync_core::CoreError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{clocks, decide, rows};

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, rename = "fn")]
    function: &'a str,
    #[serde(borrow, rename = "in")]
    input: &'a RawValue,
}

/// Why there is no answer.
#[derive(Serialize)]
pub(crate) struct Failure {
    /// SQLSTATE, the same that the database raises.
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

impl Failure {
    /// An argument that cannot be used.
    pub(crate) fn argument(message: String) -> Failure {
        Failure {
            code: "22023",
            message,
            detail: None,
            hint: None,
        }
    }
}

impl From<CoreError> for Failure {
    fn from(error: CoreError) -> Failure {
        Failure {
            code: error.sqlstate(),
            message: error.to_string(),
            detail: error.detail(),
            hint: error.hint(),
        }
    }
}

#[derive(Serialize)]
enum Answer {
    #[serde(rename = "out")]
    Out(Box<RawValue>),
    #[serde(rename = "error")]
    Error(Failure),
}

/// Answers one request.
#[must_use]
pub fn answer(request: &[u8]) -> Vec<u8> {
    let answer = match dispatch(request) {
        Ok(out) => Answer::Out(out),
        Err(failure) => Answer::Error(failure),
    };
    // Strings and raw JSON always serialise; an empty answer is none to the caller.
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn dispatch(request: &[u8]) -> Result<Box<RawValue>, Failure> {
    let request: Request<'_> = serde_json::from_slice(request).map_err(bad_argument)?;
    let input = request.input.get();
    match request.function {
        "decide" => out(&decide::decide(read(input)?)?),
        "check_policy" => out(&decide::check_policy(&read::<String>(input)?)?),
        "tick" => out(&clocks::tick(&read(input)?)?),
        "observe" => out(&clocks::observe(&read(input)?)?),
        "clamp" => out(&clocks::clamp(&read(input)?)?),
        "parse_hlc" => out(&clocks::parse_hlc(&read::<String>(input)?)),
        "diff" => out(&rows::diff(&read(input)?)?),
        "stamp" => out(&rows::stamp(&read(input)?)?),
        "canonical_key" => out(&rows::canonical_key(&read(input)?)?),
        "canonical_value" => out(&rows::canonical_value(&read(input)?)?),
        other => Err(Failure {
            code: "42883",
            ..Failure::argument(format!("there is no function \"{other}\""))
        }),
    }
}

fn read<'a, T: Deserialize<'a>>(input: &'a str) -> Result<T, Failure> {
    serde_json::from_str(input).map_err(bad_argument)
}

fn out<T: Serialize>(value: &T) -> Result<Box<RawValue>, Failure> {
    serde_json::value::to_raw_value(value).map_err(bad_argument)
}

#[allow(clippy::needless_pass_by_value)]
fn bad_argument(error: serde_json::Error) -> Failure {
    Failure::argument(error.to_string())
}
