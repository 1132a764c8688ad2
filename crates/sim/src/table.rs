//! The table that is simulated: one column a policy.

use std::sync::Arc;

/// A raw JSON value.
pub type Raw = Arc<str>;

/// One column.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in Postgres.
    pub sql: &'static str,
    /// Its merge policy.
    pub policy: &'static str,
    /// Its value in a row that does not name it.
    pub default: &'static str,
}

const fn column(
    name: &'static str,
    sql: &'static str,
    policy: &'static str,
    default: &'static str,
) -> Column {
    Column {
        name,
        sql,
        policy,
        default,
    }
}

/// All columns but the key; [`TEAM`] is the scope.
pub const COLUMNS: [Column; 10] = [
    column("team", "uuid not null", "last_write_wins", "null"),
    column(
        "title",
        "text check (title not like 'bad%')",
        "last_write_wins",
        "null",
    ),
    column("likes", "int not null default 0", "counter", "0"),
    column("best", "int not null default 0", "max", "0"),
    column("low", "int not null default 0", "min", "0"),
    column("note", "text", "client_wins", "null"),
    column("stat", "text", "server_wins", "null"),
    column("grade", "text", "manual", "null"),
    column("leaving", "text", "last_write_wins", "null"),
    column("coming", "text", "last_write_wins", "null"),
];

/// The scope.
pub const TEAM: usize = 0;
/// Last write wins; values that begin with `bad` are refused.
pub const TITLE: usize = 1;
/// A counter.
pub const LIKES: usize = 2;
/// A maximum.
pub const BEST: usize = 3;
/// A minimum.
pub const LOW: usize = 4;
/// Client wins, or server wins after a change of policies.
pub const NOTE: usize = 5;
/// A column that may be dropped.
pub const LEAVING: usize = 8;
/// A column that may be added.
pub const COMING: usize = 9;

/// Values of a row in the order of [`COLUMNS`].
pub type Row = Vec<Raw>;

/// What may be altered while devices are away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChange {
    /// Drops [`LEAVING`].
    Drop,
    /// Adds [`COMING`].
    Add,
    /// [`NOTE`] becomes server wins.
    Policy,
}

/// The schema as it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// [`LEAVING`] is gone.
    pub dropped: bool,
    /// [`COMING`] is there.
    pub added: bool,
    /// [`NOTE`] is server wins.
    pub server_wins: bool,
}

impl Schema {
    /// The schema after a change.
    pub fn change(&mut self, change: SchemaChange) {
        match change {
            SchemaChange::Drop => self.dropped = true,
            SchemaChange::Add => self.added = true,
            SchemaChange::Policy => self.server_wins = true,
        }
    }

    /// Whether the table has a column.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        match column {
            LEAVING => !self.dropped,
            COMING => self.added,
            _ => true,
        }
    }

    /// Policy of a column.
    #[must_use]
    pub fn policy(&self, column: usize) -> &'static str {
        if column == NOTE && self.server_wins {
            "server_wins"
        } else {
            COLUMNS[column].policy
        }
    }

    /// The `policy` option of `enable_sync`.
    #[must_use]
    pub fn policy_json(&self, on_delete: &str, counter: &str) -> String {
        let columns =
            (0..COLUMNS.len())
                .filter(|at| self.has(*at))
                .map(|at| match self.policy(at) {
                    "counter" => format!("\"{}\":\"{counter}\"", COLUMNS[at].name),
                    policy => format!("\"{}\":\"{policy}\"", COLUMNS[at].name),
                });
        let columns: Vec<String> = columns.collect();
        format!(
            "{{\"on_delete\":\"{on_delete}\",\"columns\":{{{}}}}}",
            columns.join(",")
        )
    }

    /// The registry as the planner reads it.
    #[must_use]
    pub fn registry_json(&self) -> String {
        let columns = (0..COLUMNS.len()).filter(|at| self.has(*at));
        let columns: Vec<String> = columns
            .map(|at| format!("\"{}\":{{\"w\":true}}", COLUMNS[at].name))
            .collect();
        format!(
            "[{{\"id\":1,\"name\":\"{TABLE}\",\"key\":[{{\"name\":\"id\",\"kind\":\"uuid\"}}],\"columns\":{{{}}}}}]",
            columns.join(",")
        )
    }
}

/// Its name on the wire.
pub const TABLE: &str = "public.item";

/// Position of a column.
#[must_use]
pub fn find(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|column| column.name == name)
}

/// A row of nothing but defaults.
#[must_use]
pub fn defaults() -> Row {
    COLUMNS.iter().map(|column| column.default.into()).collect()
}

/// A row with other values in some columns.
#[must_use]
pub fn laid_over(mut row: Row, patch: &[(usize, Raw)]) -> Row {
    for (at, raw) in patch {
        row[*at] = raw.clone();
    }
    row
}

/// A whole number in raw JSON; null is 0.
#[must_use]
pub fn number(raw: &str) -> i64 {
    raw.parse().unwrap_or(0)
}

/// JSON of some columns, with the key.
#[must_use]
pub fn json_of<'r>(values: impl IntoIterator<Item = (usize, &'r Raw)>) -> String {
    let mut out = String::from("{");
    for (at, raw) in values {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('"');
        out.push_str(COLUMNS[at].name);
        out.push_str("\":");
        out.push_str(raw);
    }
    out.push('}');
    out
}
