//! The table that is simulated: one column a policy.

use std::sync::Arc;

/// A raw JSON value.
pub type Raw = Arc<str>;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Number,
    /// Text.
    Text,
    /// Arrays.
    Array,
    /// `jsonb`.
    Json,
    /// Anything else.
    Other,
}

impl Kind {
    /// The name in a policy's `types`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Text => "text",
            Kind::Array => "array",
            Kind::Json => "json",
            Kind::Other => "other",
        }
    }
}

/// One column.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in Postgres.
    pub sql: &'static str,
    /// What it holds, as far as `merge` cares.
    pub kind: Kind,
    /// Its merge policy; a name with a dot is a function.
    pub policy: &'static str,
    /// Its value in a row that does not name it.
    pub default: &'static str,
}

const fn column(
    name: &'static str,
    sql: &'static str,
    kind: Kind,
    policy: &'static str,
    default: &'static str,
) -> Column {
    Column {
        name,
        sql,
        kind,
        policy,
        default,
    }
}

/// All columns but the key; [`TEAM`] is the scope.
pub const COLUMNS: [Column; 16] = [
    column(
        "team",
        "uuid not null",
        Kind::Other,
        "last_write_wins",
        "null",
    ),
    column(
        "title",
        "text check (title not like 'bad%')",
        Kind::Text,
        "last_write_wins",
        "null",
    ),
    column(
        "likes",
        "int not null default 0",
        Kind::Number,
        "counter",
        "0",
    ),
    column("best", "int not null default 0", Kind::Number, "max", "0"),
    column("low", "int not null default 0", Kind::Number, "min", "0"),
    column("note", "text", Kind::Text, "client_wins", "null"),
    column("stat", "text", Kind::Text, "server_wins", "null"),
    column("grade", "text", Kind::Text, "manual", "null"),
    column("leaving", "text", Kind::Text, "last_write_wins", "null"),
    column("coming", "text", Kind::Text, "last_write_wins", "null"),
    column("tags", "text[]", Kind::Array, "set", "null"),
    column("doc", "jsonb", Kind::Json, "json", "null"),
    column("body", "text", Kind::Text, "text", "null"),
    column("labels", "text[]", Kind::Array, "merge", "null"),
    column("extra", "jsonb", Kind::Json, "merge", "null"),
    column("rank", "int", Kind::Number, "public.settle", "null"),
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
/// A set.
pub const TAGS: usize = 10;
/// A document.
pub const DOC: usize = 11;
/// A text of several lines.
pub const BODY: usize = 12;
/// `merge`: a set.
pub const LABELS: usize = 13;
/// `merge`: a document.
pub const EXTRA: usize = 14;
/// Decided by a function.
pub const RANK: usize = 15;

/// Whether an edit of the column starts from what it holds.
#[must_use]
pub fn is_built_on(column: usize) -> bool {
    column >= TAGS
}

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

    /// The `policy` option of `enable_sync`; with `types` as the core reads it. `instead`: a policy in the place of another.
    #[must_use]
    pub fn policy_json(
        &self,
        on_delete: &str,
        instead: Option<(&str, &'static str)>,
        types: bool,
    ) -> String {
        let columns = (0..COLUMNS.len()).filter(|at| self.has(*at));
        let policies = columns.clone().map(|at| {
            let name = COLUMNS[at].name;
            match (self.policy(at), instead) {
                (policy, Some((other, instead))) if policy == other => {
                    format!("\"{name}\":\"{instead}\"")
                }
                (policy, _) if policy.contains('.') => {
                    format!("\"{name}\":{{\"function\":\"{policy}\"}}")
                }
                (policy, _) => format!("\"{name}\":\"{policy}\""),
            }
        });
        let policies = policies.collect::<Vec<_>>().join(",");
        let kinds = columns.map(|at| {
            let (name, kind) = (COLUMNS[at].name, COLUMNS[at].kind.name());
            format!("\"{name}\":\"{kind}\"")
        });
        let kinds = kinds.collect::<Vec<_>>().join(",");
        let types = if types {
            format!(",\"types\":{{{kinds}}}")
        } else {
            String::new()
        };
        format!("{{\"on_delete\":\"{on_delete}\",\"columns\":{{{policies}}}{types}}}")
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
