//! Which function is asked, and how its answer or its failure is written.

use offline_sync_core::CoreError;

use crate::fields::Fields;
use crate::write::{Object, string};
use crate::{clocks, decide, rows};

/// Why there is no answer.
pub(crate) struct Failure {
    /// SQLSTATE, the same that the database raises.
    code: &'static str,
    message: String,
    detail: Option<String>,
    hint: Option<&'static str>,
}

impl Failure {
    /// An argument that cannot be used.
    pub(crate) fn argument(message: &str) -> Failure {
        Failure {
            code: "22023",
            message: message.to_owned(),
            detail: None,
            hint: None,
        }
    }

    fn json(&self) -> String {
        let mut error = Object::new();
        error.text("code", self.code);
        error.text("message", &self.message);
        error.maybe("detail", self.detail.as_deref().map(string));
        error.maybe("hint", self.hint.map(string));
        let mut answer = Object::new();
        answer.raw("error", &error.close());
        answer.close()
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

/// Answers one request.
#[must_use]
pub fn answer(request: &[u8]) -> Vec<u8> {
    let answer = match dispatch(request) {
        Ok(out) => {
            let mut answer = Object::new();
            answer.raw("out", out.as_deref().unwrap_or("null"));
            answer.close()
        }
        Err(failure) => failure.json(),
    };
    answer.into_bytes()
}

/// JSON text of the answer; `None`: null.
fn dispatch(request: &[u8]) -> Result<Option<String>, Failure> {
    let request =
        std::str::from_utf8(request).map_err(|_| Failure::argument("the request is not UTF-8"))?;
    let request = Fields::parse(request)?;
    let input = request.raw("in")?;
    match request.text("fn")?.as_str() {
        "decide" => decide::decide(&Fields::parse(input)?).map(Some),
        "check_policy" => decide::check_policy(&crate::fields::text(input)?),
        "tick" => clocks::tick(&Fields::parse(input)?).map(Some),
        "observe" => clocks::observe(&Fields::parse(input)?).map(Some),
        "clamp" => clocks::clamp(&Fields::parse(input)?).map(Some),
        "parse_hlc" => Ok(clocks::parse_hlc(&crate::fields::text(input)?)),
        "merge_text" => rows::merge_text(&Fields::parse(input)?).map(Some),
        "diff" => rows::diff(&Fields::parse(input)?),
        "stamp" => rows::stamp(&Fields::parse(input)?).map(Some),
        "canonical_key" => rows::canonical_key(&Fields::parse(input)?),
        "canonical_value" => rows::canonical_value(&Fields::parse(input)?),
        _ => Err(Failure {
            code: "42883",
            ..Failure::argument("there is no such function")
        }),
    }
}
