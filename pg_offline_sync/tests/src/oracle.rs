//! What a user should have: the visible rows, read past the extension, in the wire format.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::caller::Caller;
use crate::error::PgError;

/// Raw JSON of the columns of a row.
pub type Columns = BTreeMap<String, String>;

/// Rows by the text of their key.
pub type Rows = BTreeMap<String, Columns>;

/// Splits a row into the raw text of its columns.
pub fn row_columns(row: &RawValue) -> Columns {
    let columns: BTreeMap<String, Box<RawValue>> = serde_json::from_str(row.get()).unwrap();
    columns
        .into_iter()
        .map(|(name, value)| (name, value.get().to_owned()))
        .collect()
}

/// The rows of a table that its policies show to the caller, in the wire format of the protocol, by
/// the text of `key` columns. `condition` restricts them to the scopes that the caller has.
///
/// Written from the protocol, not from the extension's own expressions.
pub async fn visible_rows(
    caller: &Caller,
    table: &str,
    key: &[&str],
    exclude: &[&str],
    condition: &str,
) -> Rows {
    let columns = wire_columns(caller, table, key, exclude).await;
    let query = format!(
        "select row_to_json(w.*)::text from (select {columns} from {table} t where {condition}) w"
    );
    caller.sql("set timezone = 'UTC'").await;
    let rows = caller
        .client()
        .query(&query, &[])
        .await
        .map_err(PgError::from)
        .unwrap();
    let rows = rows.iter().map(|row| {
        let text: String = row.get(0);
        let columns = row_columns(serde_json::from_str::<&RawValue>(&text).unwrap());
        (key_text(&columns, key), columns)
    });
    rows.collect()
}

/// Text that names a row: its key columns as they travel.
pub(crate) fn key_text(columns: &Columns, key: &[impl AsRef<str>]) -> String {
    let parts = key
        .iter()
        .map(|name| columns[name.as_ref()].trim_matches('"').to_owned());
    parts.collect::<Vec<_>>().join(",")
}

async fn wire_columns(caller: &Caller, table: &str, key: &[&str], exclude: &[&str]) -> String {
    let query = "
        with recursive chain as (
            select a.attnum, a.attname, t.oid, t.typtype, t.typbasetype
            from pg_attribute a
            join pg_type t on t.oid = a.atttypid
            where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
            union all
            select c.attnum, c.attname, t.oid, t.typtype, t.typbasetype
            from chain c
            join pg_type t on t.oid = c.typbasetype
            where c.typtype = 'd')
        select quote_ident(attname), attname::text, format_type(oid, null) from chain where typtype <> 'd' order by attnum";
    let columns = caller.client().query(query, &[&table]).await.unwrap();
    let columns = columns.iter().filter(|row| !exclude.contains(&row.get(1)));
    let wire = columns.map(|row| {
        let (quoted, name, kind): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        match kind {
            // A key has one spelling.
            "numeric" if key.contains(&name) => format!("trim_scale(t.{quoted})::text as {quoted}"),
            "bigint" | "numeric" => format!("t.{quoted}::text as {quoted}"),
            "bigint[]" | "numeric[]" => format!("t.{quoted}::text[] as {quoted}"),
            "bytea" => format!("replace(encode(t.{quoted}, 'base64'), chr(10), '') as {quoted}"),
            _ => format!("t.{quoted}"),
        }
    });
    wire.collect::<Vec<_>>().join(", ")
}
