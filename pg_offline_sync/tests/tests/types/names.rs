//! Names that need quoting, names that look like SQL, and many columns.

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{exchange, share, two_devices};

const COLUMNS: &[&str] = &[
    "select",
    "Upper Case",
    "with \"quote\"",
    "back\\slash",
    "it's",
    "semi;colon",
    "percent %s %1$s %I",
    "dollar $1 $$",
    "{k}",
    "😀",
    "t",
    "r",
    "u",
    "w",
    "k",
    "n",
    "s",
    "c",
    "old",
    "new",
    "row",
    "doc",
    "ord",
    "old_rows",
    "new_rows",
    "v_keys",
    "v_device",
    "row_key",
    "scope",
    "version",
    "tg_op",
    "a.b",
    "-- comment",
    "user",
    "null",
];

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[tokio::test]
async fn any_name_of_schema_table_and_column_works() {
    let db = Db::create().await;
    let tables = [
        ("public", "order"),
        ("We\"ird Schema", "Ta'ble \"x\".y; drop"),
        ("public", "t"),
        ("public", "%s %1$I {k}"),
    ];
    for (schema, name) in tables {
        let columns = COLUMNS
            .iter()
            .map(|name| format!("{} text", quote(name)))
            .collect::<Vec<_>>()
            .join(", ");
        let table = format!("{}.{}", quote(schema), quote(name));
        db.sql(&format!(
            "create schema if not exists {0}; grant usage on schema {0} to authenticated;
            create table {table} ({1} uuid primary key, {columns})",
            quote(schema),
            quote("The \"Id\"")
        ))
        .await;
        share(&db, &table).await;
        let wire = format!("{schema}.{name}");
        let (mut one, mut two) = two_devices(&db).await;
        let patch: Value = COLUMNS
            .iter()
            .map(|name| ((*name).to_owned(), json!(format!("value of {name}"))))
            .collect();
        let key = json!({ "The \"Id\"": Uuid::new_v4() });
        one.insert(&wire, key.clone(), patch);
        one.insert(
            &wire,
            json!({ "The \"Id\"": Uuid::new_v4() }),
            json!({ "t": "only t" }),
        );
        exchange(&mut one, &mut two, &wire).await;
        let patch: Value = COLUMNS
            .iter()
            .map(|name| ((*name).to_owned(), json!(null)))
            .collect();
        two.update(&wire, key.clone(), patch);
        exchange(&mut two, &mut one, &wire).await;
        one.delete(&wire, key);
        exchange(&mut one, &mut two, &wire).await;
        assert_eq!(two.rows(&wire).len(), 1);
    }
}

#[tokio::test]
async fn columns_of_the_key_may_have_any_name_too() {
    let db = Db::create().await;
    db.sql("create table public.k (t text, u int, k uuid, primary key (t, u, k))")
        .await;
    share(&db, "public.k").await;
    let (mut one, mut two) = two_devices(&db).await;
    let key = json!({ "t": "{k}", "u": 1, "k": Uuid::new_v4() });
    one.insert("public.k", key.clone(), json!({}));
    one.insert(
        "public.k",
        json!({ "t": "t", "u": 2, "k": Uuid::new_v4() }),
        json!({}),
    );
    exchange(&mut one, &mut two, "public.k").await;
    two.delete("public.k", key);
    exchange(&mut two, &mut one, "public.k").await;
    assert_eq!(one.rows("public.k").len(), 1);
}

#[tokio::test]
async fn a_table_of_sixty_columns_travels_like_any_other() {
    let db = Db::create().await;
    let columns: Vec<String> = (0..60).map(|n| format!("c{n}")).collect();
    let definition = columns
        .iter()
        .map(|name| format!("{name} int8 default 5"))
        .collect::<Vec<_>>()
        .join(", ");
    db.sql(&format!(
        "create table public.wide (id uuid primary key, {definition})"
    ))
    .await;
    share(&db, "public.wide").await;
    let (mut one, mut two) = two_devices(&db).await;
    let key = json!({ "id": Uuid::new_v4() });
    let half: Value = columns
        .iter()
        .step_by(2)
        .map(|name| (name.clone(), json!("9007199254740993")))
        .collect();
    one.insert("public.wide", key.clone(), half);
    exchange(&mut one, &mut two, "public.wide").await;
    let all: Value = columns
        .iter()
        .enumerate()
        .map(|(n, name)| (name.clone(), json!(n.to_string())))
        .collect();
    two.update("public.wide", key.clone(), all);
    exchange(&mut two, &mut one, "public.wide").await;
    one.delete("public.wide", key);
    exchange(&mut one, &mut two, "public.wide").await;
}
