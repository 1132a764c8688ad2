//! Arguments: the members of JSON objects, read one by one. Derived readers would be a third of what a page loads.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::failure::Failure;

/// The members of an object, each value as its raw text. Of equal names the last counts, as in JavaScript.
pub struct Fields<'a>(Vec<(String, &'a RawValue)>);

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
    /// Reads an object.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is none.
    pub fn parse(json: &'a str) -> Result<Fields<'a>, Failure> {
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
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is missing.
    pub fn raw(&self, name: &str) -> Result<&'a str, Failure> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        let missing = || Failure::argument(&format!("\"{name}\" is missing"));
        found.map(|(_, value)| value.get()).ok_or_else(missing)
    }

    /// A string.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is missing or none.
    pub fn text(&self, name: &str) -> Result<String, Failure> {
        text(self.require(name)?)
    }

    /// A string, unless it is absent or null.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is something else.
    pub fn maybe_text(&self, name: &str) -> Result<Option<String>, Failure> {
        self.find(name).map(text).transpose()
    }

    /// A whole number, as JSON writes it.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is missing or none.
    pub fn count(&self, name: &str) -> Result<u64, Failure> {
        number(self.require(name)?)
    }

    /// Elements of an array; none where it is absent.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is something else.
    pub fn list(&self, name: &str) -> Result<Vec<&'a RawValue>, Failure> {
        let Some(raw) = self.find(name) else {
            return Ok(Vec::new());
        };
        serde_json::from_str(raw).map_err(|_| not(name, "an array"))
    }

    /// Elements of an array of strings; none where it is absent.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is something else.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.list(name)?
            .into_iter()
            .map(|item| text(item.get()))
            .collect()
    }

    /// Elements of an array of strings, unless it is absent or null.
    ///
    /// # Errors
    /// [`Failure`] 22023 when it is something else.
    pub fn maybe_texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        self.find(name).map(|_| self.texts(name)).transpose()
    }
}

/// A JSON string.
///
/// # Errors
/// [`Failure`] 22023 when it is none.
pub fn text(raw: &str) -> Result<String, Failure> {
    serde_json::from_str(raw).map_err(|_| not(raw, "a string"))
}

/// A whole number: digits of a version, a seq or a time.
///
/// # Errors
/// [`Failure`] 22023 when it is none.
pub fn number<N: FromStr>(text: &str) -> Result<N, Failure> {
    text.parse()
        .map_err(|_| not(text, "a whole number in range"))
}

/// An entry of a vector: a number, which is rounded to 32 bits as in SQL, or null, which is a missing value (NaN).
///
/// # Errors
/// [`Failure`] 22023 when it is neither.
pub fn entry(raw: &str) -> Result<f32, Failure> {
    if raw == "null" {
        return Ok(f32::NAN);
    }
    let wide: f64 = serde_json::from_str(raw).map_err(|_| not(raw, "a number or null"))?;
    Ok(wide as f32)
}

fn not(what: &str, expected: &str) -> Failure {
    const SHOWN: usize = 60;
    let shown: String = what.chars().take(SHOWN).collect();
    Failure::argument(&format!("{shown} is not {expected}"))
}
