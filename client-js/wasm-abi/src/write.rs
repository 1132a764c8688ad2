//! Answers as JSON text.

use alloc::string::String;
use alloc::vec::Vec;

/// A JSON string.
#[must_use]
pub fn string(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// Texts as a JSON array of what they say.
#[must_use]
pub fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(item);
    }
    out.push(']');
    out
}

/// Names as a JSON array of strings.
#[must_use]
pub fn strings(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| string(name)).collect();
    array(quoted.iter().map(String::as_str))
}

/// An object that is being written.
pub struct Object(String);

impl Default for Object {
    fn default() -> Object {
        Object::new()
    }
}

impl Object {
    /// An object without members.
    #[must_use]
    pub fn new() -> Object {
        Object(String::from("{"))
    }

    /// A member whose value is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&string(name));
        self.0.push(':');
        self.0.push_str(value);
    }

    /// A member that is a string.
    pub fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &string(value));
    }

    /// A member that is true or false.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that is left out where there is no value.
    pub fn maybe(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.raw(name, &value);
        }
    }

    /// The object as JSON text.
    #[must_use]
    pub fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
