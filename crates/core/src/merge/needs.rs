//! What the database has to look up before a run can be decided.

use super::policy::TablePolicy;
use crate::error::CoreError;
use crate::json::{self, Members};

/// Columns whose past a decision on a run looks at, should they be contested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Columns that some mutation changed without telling what it saw there: their value at its base.
    pub base: Vec<String>,
    /// Columns whose policy looks at each write since the base, and what it found.
    pub trail: Vec<String>,
    /// Columns where it counts who wrote since the base, and not what.
    pub writes: Vec<String>,
}

impl Needs {
    /// What a run that changes `columns` needs under a policy. `befores` are those of a
    /// [`crate::plan::Run`].
    ///
    /// # Errors
    /// [`CoreError::BadJson`] or [`CoreError::UnknownPolicy`] where an argument is malformed.
    pub fn of(
        policy_json: &str,
        columns: &[String],
        befores: Option<&str>,
    ) -> Result<Needs, CoreError> {
        let policy = TablePolicy::parse(policy_json)?;
        let mut trail = columns.to_vec();
        trail.retain(|column| policy.of(column).needs_trail());
        let mut base = columns.to_vec();
        if let Some(befores) = befores {
            let befores: Vec<Option<Members<'_>>> = json::parse("run befores", befores)?;
            let told_by_all = |column: &String| {
                befores.iter().all(|before| {
                    let before = before.as_ref();
                    before.is_some_and(|Members(seen)| json::member(seen, column).is_some())
                })
            };
            base.retain(|column| !told_by_all(column));
        }
        let mut writes = base.clone();
        writes.retain(|column| policy.of(column).needs_writes());
        Ok(Needs {
            base,
            trail,
            writes,
        })
    }
}
