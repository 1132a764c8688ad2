//! Answers, and why there is none.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use crate::fields::Fields;
use crate::write::{Object, string};

/// Why there is no answer.
pub struct Failure {
    /// SQLSTATE, the same that the database raises.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<&'static str>,
}

impl Failure {
    /// An argument that cannot be used.
    #[must_use]
    pub fn argument(message: &str) -> Failure {
        Failure {
            code: "22023",
            message: message.to_owned(),
            detail: None,
            hint: None,
        }
    }

    /// A function that the module does not have.
    #[must_use]
    pub fn no_function() -> Failure {
        Failure {
            code: "42883",
            ..Failure::argument("there is no such function")
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

/// Answers one request. `ask` gets the function's name and the JSON text of its argument, and answers with JSON text;
/// `None`: null.
pub fn answer(
    request: &[u8],
    ask: impl Fn(&str, &str) -> Result<Option<String>, Failure>,
) -> Vec<u8> {
    framed(dispatch(request, ask))
}

/// An answer as JSON text in bytes: `{"out"}`, of JSON text or null, or `{"error"}`.
#[must_use]
pub fn framed(out: Result<Option<String>, Failure>) -> Vec<u8> {
    let answer = match out {
        Ok(out) => {
            let mut answer = Object::new();
            answer.raw("out", out.as_deref().unwrap_or("null"));
            answer.close()
        }
        Err(failure) => failure.json(),
    };
    answer.into_bytes()
}

fn dispatch(
    request: &[u8],
    ask: impl Fn(&str, &str) -> Result<Option<String>, Failure>,
) -> Result<Option<String>, Failure> {
    let request =
        str::from_utf8(request).map_err(|_| Failure::argument("the request is not UTF-8"))?;
    let request = Fields::parse(request)?;
    let input = request.raw("in")?;
    ask(&request.text("fn")?, input)
}
