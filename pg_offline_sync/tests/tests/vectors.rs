//! The cases of `testdata/vectors` through the functions that push and capture call in the database.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../crates/core/tests/vector_files/mod.rs"]
mod vector_files;

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row};
use vector_files::{array, number, strings, text};

/// The functions of the format that the database has.
const FUNCTIONS: [&str; 4] = ["decide", "check_policy", "diff", "stamp"];

#[tokio::test]
async fn every_vector_has_the_answer_that_it_states() {
    let db = Db::create().await;
    let client = db.connect("postgres").await;
    let mut cases = vector_files::all();
    cases.retain(|case| FUNCTIONS.contains(&case.function.as_str()));
    assert!(cases.len() >= 200, "only {} cases run here", cases.len());
    let mut failed = Vec::new();
    for case in &cases {
        let answer = run(&client, &case.function, &case.input).await;
        let answer = answer.map_err(|error| match error.code() {
            Some(code) => code.code().to_owned(),
            None => panic!("{}: {error}", case.name),
        });
        failed.extend(case.failure(answer));
    }
    vector_files::assert_none(&failed, cases.len());
}

async fn run(client: &Client, function: &str, input: &Value) -> Result<Value, Error> {
    match function {
        "check_policy" => {
            let query = "select offline_private.check_policy($1)";
            client.query_one(query, &[&text(input)]).await?;
            Ok(Value::Null)
        }
        "diff" => {
            let query = "select offline_private.row_diff($1, $2)";
            let (old, new) = (text(&input["old"]), text(&input["new"]));
            let row = client.query_one(query, &[&old, &new]).await?;
            let found: Option<Vec<String>> = row.get(0);
            Ok(json!(found.map(
                |parts| json!({ "old": parts[0], "new": parts[1], "columns": parts[2..] })
            )))
        }
        "stamp" => {
            let query =
                "select offline_private.stamp_columns($1, $2::text::bigint, $3::text::bigint, $4)";
            let (version, hlc) = (text(&input["version"]), text(&input["hlc"]));
            let device = input["device"].as_str();
            let row = client
                .query_one(
                    query,
                    &[&strings(&input["columns"]), &version, &hlc, &device],
                )
                .await?;
            Ok(json!(row.get::<_, String>(0)))
        }
        _ => decide(client, input).await,
    }
}

async fn decide(client: &Client, input: &Value) -> Result<Value, Error> {
    let mutations = input["mutations"].as_array().unwrap();
    let each = |name: &str| -> Vec<Option<String>> {
        let values = mutations.iter().map(|mutation| &mutation[name]);
        values
            .map(|value| (!value.is_null()).then(|| text(value)))
            .collect()
    };
    let numbers = |name: &str| -> Vec<Option<i64>> {
        let texts = each(name).into_iter();
        texts
            .map(|value| value.map(|digits| digits.parse().unwrap()))
            .collect()
    };
    let list = |name: &str| {
        let values = each(name);
        values.iter().any(Option::is_some).then(|| {
            let texts = values
                .iter()
                .map(|value| value.as_deref().unwrap_or("null"));
            format!("[{}]", texts.collect::<Vec<_>>().join(","))
        })
    };
    let bound = i64::try_from(number(&input["bound_ms"])).unwrap();
    let now: i64 = text(&input["now_hlc"]).parse().unwrap();
    let answers = (!input["answers"].is_null()).then(|| array(&input["answers"]));
    let arguments: [&(dyn ToSql + Sync); 15] = [
        &text(&input["op"]),
        &text(&input["policy"]),
        &text(&input["device"]),
        &now,
        &bound,
        &each("key"),
        &numbers("seq"),
        &numbers("base"),
        &numbers("hlc"),
        &list("row"),
        &list("before"),
        &array(&input["current"]),
        &array(&input["states"]),
        &strings(&input["key_columns"]),
        &answers,
    ];
    let query = "select d.* from offline_private.decide_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) d order by d.ord";
    let rows = client.query(query, &arguments).await?;
    Ok(rows.iter().map(decided).collect())
}

fn decided(row: &Row) -> Value {
    let action: &str = row.get("action");
    if let Some(code) = row.get::<_, Option<&str>>("code") {
        return json!({ "action": action, "code": code });
    }
    let columns: Option<String> = row.get("columns");
    json!({
        "action": action,
        "status": row.get::<_, &str>("status"),
        "version": row.get::<_, Option<i64>>("version").map(|version| version.to_string()),
        "hlc": row.get::<_, i64>("hlc").to_string(),
        "row": row.get::<_, &str>("doc"),
        "columns": columns.map(|text| serde_json::from_str::<Value>(&text).unwrap()),
        "contested": row.get::<_, Option<&str>>("contested"),
        "calls": row.get::<_, Option<&str>>("calls"),
        "restamp": row.get::<_, Option<Vec<String>>>("restamp"),
        "return_row": row.get::<_, bool>("return_row"),
    })
}
