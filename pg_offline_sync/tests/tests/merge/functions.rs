//! Policies that are functions of the table's owner.

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};

use crate::{TABLE, cards, devices_with_card, log_lines, now_ms, push_at, settle};

/// Makes `public.f` with this body (`base`, `mine`, `theirs` and `context` are its arguments) the policy of column `a`.
async fn function(db: &Db, language: &str, body: &str) {
    define(db, language, body).await;
    cards(
        db,
        json!({ "columns": { "a": { "function": "public.f" } } }),
    )
    .await;
}

async fn define(db: &Db, language: &str, body: &str) {
    let create = format!(
        "create or replace function public.f(base jsonb, mine jsonb, theirs jsonb, context jsonb) returns jsonb
        language {language} as $body$ {body} $body$"
    );
    db.sql(&create).await;
}

/// Both devices change `a` and the second `b` too; its status and what `a` ends as.
async fn contest(db: &Db) -> (Vec<Device>, Value, String, Value) {
    let (mut devices, key) = devices_with_card(db, 2, json!({ "a": "base", "b": "base" })).await;
    let now = now_ms(db).await;
    push_at(&mut devices, 0, &key, json!({ "a": "theirs" }), now + 9).await;
    let patch = json!({ "a": "mine", "b": "mine" });
    let (status, _) = push_at(&mut devices, 1, &key, patch, now).await;
    let value = settle(&mut devices, &key, "a").await;
    assert_eq!(
        settle(&mut devices, &key, "b").await,
        "mine",
        "the other columns are written"
    );
    (devices, key, status, value)
}

#[tokio::test]
async fn a_function_decides_from_base_mine_theirs_and_context() {
    let db = Db::create().await;
    let body = "select to_jsonb(concat_ws('|', base #>> '{}', mine #>> '{}', theirs #>> '{}', context ->> 'column', current_user))";
    function(&db, "sql", body).await;
    let (_, _, status, value) = contest(&db).await;
    assert_eq!(
        (status.as_str(), &value),
        ("merged", &json!("base|mine|theirs|a|authenticated"))
    );
    let log = log_lines(&db).await;
    assert_eq!(log, [r#"a public.f merged auto "base" "mine" "theirs""#]);
}

#[tokio::test]
async fn its_context_tells_who_and_when_and_big_numbers_as_strings() {
    let db = Db::create().await;
    db.sql(
        "create table public.asked (context jsonb); grant insert on public.asked to authenticated",
    )
    .await;
    let body = "begin insert into public.asked values (context); return mine; end";
    function(&db, "plpgsql", body).await;
    let (devices, key, _, _) = contest(&db).await;
    let context: Value = db.one("select context from public.asked", &[]).await;
    assert_eq!(context["key"], key["id"]);
    assert_eq!(context["device"], json!(devices[1].id));
    assert_eq!(context["their_device"], json!(devices[0].id));
    for name in ["base_version", "version", "hlc", "their_hlc"] {
        assert!(context[name].is_string(), "{name} in {context}");
    }
}

#[tokio::test]
async fn a_function_that_knows_no_answer_leaves_it_to_a_person() {
    let bodies = [
        ("raises", "begin raise exception 'no'; end"),
        ("asserts", "begin assert false; return mine; end"),
        ("divides by zero", "begin return to_jsonb(1 / 0); end"),
        ("is null", "begin return null; end"),
        ("is JSON null", "begin return 'null'::jsonb; end"),
        ("returns nothing", "begin end"),
        (
            "may not read",
            "begin return (select to_jsonb(d.*) from offline_data.device_sync_state d); end",
        ),
        (
            "is ambiguous about locks",
            "begin raise exception using errcode = '55P03'; end",
        ),
    ];
    let db = Db::create().await;
    function(&db, "plpgsql", "begin return mine; end").await;
    for (n, (what, body)) in bodies.into_iter().enumerate() {
        define(&db, "plpgsql", body).await;
        let (devices, _, status, value) = contest(&db).await;
        assert_eq!(
            (status.as_str(), &value),
            ("conflict", &json!("theirs")),
            "{what}"
        );
        let listed = devices[1].caller.conflicts(&json!({})).await;
        let column = &listed["conflicts"][0]["columns"]["a"];
        assert_eq!(
            (&column["policy"], &column["outcome"]),
            (&json!("public.f"), &json!("manual")),
            "{what}"
        );
        assert_eq!(log_lines(&db).await.len(), n + 1, "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_the_column_cannot_hold_leaves_it_to_a_person() {
    let db = Db::create().await;
    define(&db, "sql", "select '\"many\"'::jsonb").await;
    cards(
        &db,
        json!({ "columns": { "n": { "function": "public.f" } } }),
    )
    .await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "n": "1" })).await;
    let now = now_ms(&db).await;
    push_at(&mut devices, 0, &key, json!({ "n": "2" }), now).await;
    let (status, _) = push_at(&mut devices, 1, &key, json!({ "n": "3" }), now + 1).await;
    assert_eq!(status, "conflict");
    assert_eq!(settle(&mut devices, &key, "n").await, "2");
}

#[tokio::test]
async fn a_function_that_is_gone_or_forbidden_leaves_it_to_a_person() {
    for statement in [
        "drop function public.f(jsonb, jsonb, jsonb, jsonb)",
        "revoke all on function public.f(jsonb, jsonb, jsonb, jsonb) from public",
    ] {
        let db = Db::create().await;
        function(&db, "sql", "select mine").await;
        db.sql(statement).await;
        let (_, _, status, value) = contest(&db).await;
        assert_eq!(
            (status.as_str(), &value),
            ("conflict", &json!("theirs")),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn a_failing_function_costs_only_its_own_columns() {
    let db = Db::create().await;
    define(
        &db,
        "plpgsql",
        "begin if mine = '\"bad\"' then raise exception 'bad'; end if; return to_jsonb(upper(mine #>> '{}')); end",
    )
    .await;
    let by_function = json!({ "function": "public.f" });
    cards(
        &db,
        json!({ "columns": { "a": by_function, "b": by_function } }),
    )
    .await;
    let (mut devices, _) = devices_with_card(&db, 2, json!({})).await;
    let keys: Vec<Value> = (0..20)
        .map(|_| json!({ "id": uuid::Uuid::new_v4() }))
        .collect();
    for key in &keys {
        devices[0].insert(TABLE, key.clone(), json!({ "a": "base", "b": "base" }));
    }
    devices[0].sync().await;
    devices[1].pull().await;
    for key in &keys {
        devices[0].update(TABLE, key.clone(), json!({ "a": "theirs", "b": "theirs" }));
    }
    devices[0].push().await;
    for (n, key) in keys.iter().enumerate() {
        let a = if n == 7 { "bad" } else { "good" };
        devices[1].update(TABLE, key.clone(), json!({ "a": a, "b": "good" }));
    }
    let answer = devices[1].push().await;
    assert_eq!((answer.count("merged"), answer.count("conflict")), (19, 1));
    for (n, key) in keys.iter().enumerate() {
        let a = if n == 7 { "theirs" } else { "GOOD" };
        assert_eq!(settle(&mut devices, key, "a").await, a);
        assert_eq!(settle(&mut devices, key, "b").await, "GOOD");
    }
}

#[tokio::test]
async fn a_function_without_an_end_is_cut_by_the_statement_timeout_and_nothing_is_written() {
    let db = Db::create().await;
    function(&db, "plpgsql", "begin loop end loop; end").await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "a": "theirs" }));
    devices[0].push().await;
    devices[1].update(TABLE, key.clone(), json!({ "a": "mine" }));
    devices[1]
        .caller
        .sql("set statement_timeout = '300ms'")
        .await;
    let error = devices[1].try_push().await.unwrap_err();
    assert_eq!(
        error.code, "57014",
        "the statement is over, not the conflict"
    );
    devices[1].caller.sql("set statement_timeout = 0").await;
    assert_eq!(log_lines(&db).await, Vec::<String>::new());
    define(&db, "sql", "select mine").await;
    assert_eq!(
        devices[1].push().await.statuses(),
        ["merged"],
        "sent again, it is decided"
    );
    assert_eq!(settle(&mut devices, &key, "a").await, "mine");
}

#[tokio::test]
async fn a_fault_of_the_server_in_a_function_fails_the_push() {
    let db = Db::create().await;
    function(
        &db,
        "plpgsql",
        "begin raise exception using errcode = '53100'; end",
    )
    .await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
    devices[0].update(TABLE, key.clone(), json!({ "a": "theirs" }));
    devices[0].push().await;
    devices[1].update(TABLE, key.clone(), json!({ "a": "mine" }));
    assert_eq!(devices[1].try_push().await.unwrap_err().code, "53100");
    assert_eq!(devices[1].pending(), 1);
}

#[tokio::test]
async fn columns_that_nobody_else_changed_ask_no_function() {
    let db = Db::create().await;
    function(
        &db,
        "plpgsql",
        "begin raise exception using errcode = '53100'; end",
    )
    .await;
    let (mut devices, key) = devices_with_card(&db, 2, json!({ "a": "base" })).await;
    let now = now_ms(&db).await;
    let (status, columns) = push_at(&mut devices, 1, &key, json!({ "a": "mine" }), now).await;
    assert_eq!((status.as_str(), columns.len()), ("applied", 0));
}

#[tokio::test]
async fn functions_are_named_by_schema_and_checked_when_the_table_is_synced() {
    let db = Db::create().await;
    define(&db, "sql", "select mine").await;
    db.sql(
        "create function public.two(jsonb, jsonb) returns jsonb language sql as 'select $1';
        create function public.wrong(jsonb, jsonb, jsonb, jsonb) returns text language sql as 'select null::text';
        create function public.many(jsonb, jsonb, jsonb, jsonb) returns setof jsonb language sql as 'select $1';
        create schema \"Odd schema\";
        create function \"Odd schema\".\"F.x\"(jsonb, jsonb, jsonb, jsonb) returns jsonb language sql as 'select $2';
        create table public.card (id uuid primary key, a text, function text);
        alter table public.card enable row level security;",
    )
    .await;
    let superuser = db.connect("postgres").await;
    superuser
        .batch_execute(
            "create function public.secret(jsonb, jsonb, jsonb, jsonb) returns jsonb language sql as 'select $1';
            revoke all on function public.secret(jsonb, jsonb, jsonb, jsonb) from public",
        )
        .await
        .unwrap();
    let options = |name: &str, at_default: bool| {
        let policy = json!({ "function": name });
        let policy = if at_default {
            json!({ "default": policy })
        } else {
            json!({ "columns": { "a": policy } })
        };
        json!({ "scope": "'public'", "policy": policy })
    };
    for name in [
        "f",
        "public.nothing",
        "public.two",
        "public.wrong",
        "public.many",
        "public.secret",
        "nowhere.f",
        "a.b.c",
        "",
        "public.f(jsonb)",
        "public.f; drop table public.card",
        "public.\"f",
        "public.F\"",
    ] {
        for at_default in [false, true] {
            let error = db
                .try_enable_sync(TABLE, options(name, at_default))
                .await
                .unwrap_err();
            assert_eq!(error.code, "22023", "{name}: {error}");
        }
    }
    for name in ["public.f", "PUBLIC.F", "\"Odd schema\".\"F.x\""] {
        db.enable_sync(TABLE, options(name, false)).await;
    }
    let named_like_the_key =
        json!({ "scope": "'public'", "policy": { "columns": { "function": "max" } } });
    db.enable_sync(TABLE, named_like_the_key).await;
}
