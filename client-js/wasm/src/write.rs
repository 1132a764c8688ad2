//! Answers as JSON text.

/// A JSON string.
pub(crate) fn string(text: &str) -> String {
    // A string always serialises.
    serde_json::to_string(text).unwrap_or_default()
}

/// Texts as a JSON array of what they say.
pub(crate) fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
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
pub(crate) fn strings(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| string(name)).collect();
    array(quoted.iter().map(String::as_str))
}

/// An object that is being written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Object {
        Object(String::from("{"))
    }

    /// A member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&string(name));
        self.0.push(':');
        self.0.push_str(value);
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &string(value));
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that is left out where there is no value.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.raw(name, &value);
        }
    }

    pub(crate) fn close(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
