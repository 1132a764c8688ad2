//! What enable_sync() refuses.

use offline_sync_testkit::Db;
use serde_json::{Value, json};

const TABLES: &str = "
    create table public.good (id int primary key, user_id uuid, title text, secret text);
    alter table public.good enable row level security;
    create table public.keyless (id int unique, user_id uuid);
    alter table public.keyless enable row level security;
    create table public.open (id int primary key, user_id uuid);
    create table public.ownerless (id int primary key);
    alter table public.ownerless enable row level security;
    create extension if not exists citext;
    create table public.loose (id citext primary key, user_id uuid);
    alter table public.loose enable row level security;
    create collation public.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table public.cased (id text collate public.any_case primary key, user_id uuid);
    alter table public.cased enable row level security;
    create view public.seen as select * from public.good;
    create materialized view public.kept as select * from public.good;
    create sequence public.counted;
    create temporary table fleeting (id int primary key, user_id uuid);";

#[tokio::test]
async fn what_cannot_be_synced_is_refused_and_nothing_is_changed() {
    let db = Db::create().await;
    db.sql(TABLES).await;
    let cases: &[(&str, Value, &str)] = &[
        ("public.keyless", json!({}), "42P16"),
        ("public.open", json!({}), "42P16"),
        (
            "public.open",
            json!({ "allow_without_rls": false }),
            "42P16",
        ),
        ("public.loose", json!({}), "42P16"),
        ("public.cased", json!({}), "42P16"),
        ("public.seen", json!({}), "42809"),
        ("public.kept", json!({}), "42809"),
        ("public.counted", json!({}), "42809"),
        ("fleeting", json!({}), "42809"),
        ("pg_class", json!({}), "42809"),
        ("information_schema.sql_features", json!({}), "42809"),
        ("offline_data.row_state", json!({}), "42809"),
        ("public.ownerless", json!({}), "22023"),
        ("public.nowhere", json!({}), "42P01"),
        ("public.good", json!(null), "22023"),
        ("public.good", json!([]), "22023"),
        ("public.good", json!("scope"), "22023"),
        ("public.good", json!({ "scop": "user_id" }), "22023"),
        ("public.good", json!({ "scope": 7 }), "22023"),
        ("public.good", json!({ "scope": ["user_id"] }), "22023"),
        ("public.good", json!({ "scope": "no_such_column" }), "22023"),
        (
            "public.good",
            json!({ "scope": "user_id; drop table public.good" }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id) from public.good; drop table public.good; --" }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id", "scope_kind": "Team Kind" }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id", "scope_kind": "" }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id", "scope_kind": 1 }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id", "members": "selec 1" }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id", "members": "select 1, 2" }),
            "22023",
        ),
        (
            "public.good",
            json!({ "scope": "user_id", "members": 5 }),
            "22023",
        ),
        ("public.good", json!({ "policy": [] }), "22023"),
        (
            "public.good",
            json!({ "policy": { "default": "last_one_wins" } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "default": 3 } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "on_delete": "nobody_wins" } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "columns": { "title": "last_one_wins" } } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "columns": { "nope": "max" } } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "columns": "max" } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "unknown": 1 } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "columns": { "user_id": "text" } } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "columns": { "title": "set" } } }),
            "22023",
        ),
        (
            "public.good",
            json!({ "policy": { "columns": { "title": "json" } } }),
            "22023",
        ),
        ("public.good", json!({ "exclude": "secret" }), "22023"),
        ("public.good", json!({ "exclude": ["nope"] }), "22023"),
        ("public.good", json!({ "exclude": ["id"] }), "22023"),
        ("public.good", json!({ "exclude": [7] }), "22023"),
        ("public.good", json!({ "exclude": [null] }), "22023"),
        ("public.good", json!({ "history": "a while" }), "22023"),
        ("public.good", json!({ "history": 90 }), "22023"),
        ("public.good", json!({ "max_token_age": "soon" }), "22023"),
        (
            "public.good",
            json!({ "allow_without_rls": "yes" }),
            "22023",
        ),
    ];
    for (table, options, code) in cases {
        let error = db
            .try_enable_sync(table, options.clone())
            .await
            .expect_err(&options.to_string());
        assert_eq!(error.code, *code, "{table} {options}: {error}");
    }
    let left = "select (select count(*) from offline_data.synced_table) + (select count(*) from pg_trigger where not tgisinternal
        and tgname like 'offline%') + (select count(*) from pg_proc where proname like 'capture_%' and pronamespace = 'offline_data'::regnamespace)";
    assert_eq!(db.one::<i64>(left, &[]).await, 0);
}

#[tokio::test]
async fn a_table_without_rls_is_synced_when_the_owner_insists() {
    let db = Db::create().await;
    db.sql(TABLES).await;
    let answer = db
        .enable_sync(
            "public.open",
            json!({ "scope": "'public'", "allow_without_rls": true }),
        )
        .await;
    assert_eq!(
        (&answer["table"], &answer["scope_kind"]),
        (&json!("public.open"), &json!("public"))
    );
    assert_eq!(
        db.one::<i64>("select count(*) from offline.doctor()", &[])
            .await,
        0
    );
}

#[tokio::test]
async fn the_scope_is_guessed_from_an_owner_column() {
    let db = Db::create().await;
    db.sql(TABLES).await;
    let answer = db.enable_sync("public.good", json!({})).await;
    assert_eq!(answer["scope_kind"], "user");
    assert_eq!(
        db.one::<String>(
            "select scope_expression from offline_data.synced_table",
            &[]
        )
        .await,
        "t.user_id"
    );
}

#[tokio::test]
async fn only_who_owns_the_table_can_sync_it() {
    let db = Db::create().await;
    db.sql(TABLES).await;
    let caller = db.caller(uuid::Uuid::new_v4()).await;
    let error = caller
        .try_sql("select offline.enable_sync('public.good', '{\"scope\": \"user_id\"}')")
        .await
        .unwrap_err();
    assert_eq!(error.code, "42501");
    let error = caller
        .try_sql("select offline.disable_sync('public.good')")
        .await
        .unwrap_err();
    assert_eq!(error.code, "42501");
}

#[tokio::test]
async fn policies_are_taken_for_the_columns_whose_types_they_fit() {
    let db = Db::create().await;
    db.sql(
        "create extension if not exists citext;
        create domain public.tags as text[];
        create type public.mood as enum ('low', 'high');
        create table public.rich (id int primary key, words text, name varchar(20), code char(3), nick citext, tags text[], more public.tags,
            doc jsonb, raw json, n int, at timestamptz, kind uuid, mood public.mood, span interval, yes bool);
        alter table public.rich enable row level security;",
    )
    .await;
    let fits = |policy: &str, column: &str| match policy {
        "text" => ["words", "name", "code", "nick"].contains(&column),
        "set" => ["tags", "more", "doc", "raw"].contains(&column),
        "json" => ["doc", "raw"].contains(&column),
        "max" | "min" => ["words", "name", "code", "n", "at", "kind", "yes"].contains(&column),
        _ => true,
    };
    let columns = [
        "words", "name", "code", "nick", "tags", "more", "doc", "raw", "n", "at", "kind", "mood",
        "span", "yes",
    ];
    for policy in [
        "text",
        "set",
        "json",
        "merge",
        "last_write_wins",
        "manual",
        "max",
        "min",
        "counter",
    ] {
        for column in columns {
            let options =
                json!({ "scope": "'public'", "policy": { "columns": { column: policy } } });
            let code = db
                .try_enable_sync("public.rich", options)
                .await
                .err()
                .map(|error| error.code);
            let expected = (!fits(policy, column)).then(|| "22023".to_owned());
            assert_eq!(code, expected, "{policy} on {column}");
        }
        let default = json!({ "scope": "'public'", "policy": { "default": policy } });
        db.enable_sync("public.rich", default).await;
    }
    let device = offline_sync_testkit::Device::new(&db, uuid::Uuid::new_v4()).await;
    let pulled = device.caller.pull(device.id, &json!({})).await;
    let told = &pulled.schema.as_ref().unwrap()["tables"]["public.rich"]["policy"];
    assert_eq!(
        told,
        &json!({ "default": "counter" }),
        "as the owner wrote it"
    );
    db.enable_sync(
        "public.rich",
        json!({ "scope": "'public'", "policy": { "default": "set" } }),
    )
    .await;
    let pulled = device.caller.pull(device.id, &json!({})).await;
    let told = &pulled.schema.as_ref().unwrap()["tables"]["public.rich"]["policy"];
    assert_eq!(told["columns"]["words"], "last_write_wins", "{told}");
    assert_eq!(told["columns"].get("tags"), None, "{told}");
    assert_eq!(
        (&told["types"]["more"], &told["types"]["n"]),
        (&json!("array"), &json!("number")),
        "{told}"
    );
    assert_eq!(told["types"].get("at"), None, "{told}");
}
