//! Arguments: the members of JSON objects, read one by one. Derived readers would be a third of what a page loads.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::request::Failure;

/// The members of an object, each value as its raw text. Of equal names the last counts, as in JavaScript.
pub(crate) struct Fields<'a>(Vec<(String, &'a RawValue)>);

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(json: &'a str) -> Result<Fields<'a>, Failure> {
        serde_json::from_str(json).map_err(|error| Failure::argument(&error.to_string()))
    }

    /// The raw text of a member; `None` where it is absent or null.
    fn find(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.get())
            .filter(|raw| *raw != "null")
    }

    fn require(&self, name: &str) -> Result<&'a str, Failure> {
        self.find(name)
            .ok_or_else(|| Failure::argument(&format!("\"{name}\" is missing")))
    }

    /// The raw text of a member, which may be null.
    pub(crate) fn raw(&self, name: &str) -> Result<&'a str, Failure> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        let missing = || Failure::argument(&format!("\"{name}\" is missing"));
        found.map(|(_, value)| value.get()).ok_or_else(missing)
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, Failure> {
        text(self.require(name)?)
    }

    pub(crate) fn maybe_text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.find(name).map(text).transpose()
    }

    /// A number, as JSON writes it.
    pub(crate) fn count(&self, name: &str) -> Result<u64, Failure> {
        number(self.require(name)?)
    }

    /// Elements of an array; none where it is absent.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<&'a RawValue>, Failure> {
        let Some(raw) = self.find(name) else {
            return Ok(Vec::new());
        };
        serde_json::from_str(raw).map_err(|_| not(name, "an array"))
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.list(name)?
            .into_iter()
            .map(|item| text(item.get()))
            .collect()
    }

    pub(crate) fn maybe_texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        self.find(name).map(|_| self.texts(name)).transpose()
    }
}

/// A JSON string.
pub(crate) fn text(raw: &str) -> Result<String, Failure> {
    serde_json::from_str(raw).map_err(|_| not(raw, "a string"))
}

/// Digits of a version, a seq or a time.
pub(crate) fn number<N: FromStr>(text: &str) -> Result<N, Failure> {
    text.parse()
        .map_err(|_| not(text, "a whole number in range"))
}

fn not(what: &str, expected: &str) -> Failure {
    const SHOWN: usize = 60;
    let shown: String = what.chars().take(SHOWN).collect();
    Failure::argument(&format!("{shown} is not {expected}"))
}
