//! SQL in every string: it is stored, refused or ignored, and never run.

use offline_sync_testkit::{Db, Device};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Stage;

const PAYLOADS: &[&str] = &[
    "'; drop table public.note; --",
    "\"; drop table public.note; --",
    "$$; drop table public.note; $$",
    "') union select 1; drop table public.note; --",
    "x' || (select pg_sleep(30)) || '",
    "\\'; drop table public.note; --",
    "%s %I %L %1$s",
    "{k}",
    "$1",
    "{\"a\",\"b\"}",
    "\\",
    "null",
    "E'\\x41'",
    "'",
    "\"",
];

#[tokio::test]
async fn sql_in_any_string_of_a_mutation_is_never_run() {
    let stage = Stage::new().await;
    let mut seq = 0;
    for payload in PAYLOADS {
        let valid = |field: &str, value: Value| {
            let mut mutation = json!({ "op": "upsert", "table": "public.note", "key": { "id": Uuid::new_v4() }, "patch": { "title": "t" } });
            mutation[field] = value;
            mutation
        };
        let mutations = [
            valid("table", json!(payload)),
            valid("table", json!(format!("public.{payload}"))),
            valid("key", json!({ "id": payload })),
            valid("key", json!({ *payload: Uuid::new_v4() })),
            valid("patch", json!({ *payload: 1 })),
            valid("patch", json!({ "user_id": payload })),
            valid("patch", json!({ "n": payload })),
            valid("patch", json!({ "title": payload })),
            valid("before", json!({ *payload: payload })),
            valid("before", json!({ "title": payload, "n": payload })),
            valid("group", json!(payload)),
            valid("op", json!("call"))
                .as_object()
                .map(|call| {
                    let mut call = call.clone();
                    call.insert("function".into(), json!(payload));
                    Value::Object(call)
                })
                .unwrap(),
        ];
        let numbered: Vec<Value> = mutations
            .into_iter()
            .map(|mut mutation| {
                seq += 1;
                mutation["seq"] = json!(seq);
                mutation
            })
            .collect();
        let answer = stage.caller.push(stage.device, &json!(numbered)).await;
        let title = answer.verdict(seq - 4);
        assert_eq!(
            title.status, "applied",
            "{payload}: a title may be any text"
        );
        assert_eq!(
            answer.count("applied"),
            4,
            "{payload}: {:?}",
            answer.statuses()
        );
    }
    let titles: Vec<String> = stage
        .db
        .column("select distinct title from public.note", &[])
        .await;
    assert!(
        PAYLOADS
            .iter()
            .all(|payload| titles.contains(&(*payload).to_owned())),
        "stored as they are"
    );
    stage.assert_alive().await;
}

#[tokio::test]
async fn sql_in_the_strings_of_other_requests_is_never_run() {
    let stage = Stage::new().await;
    let before = stage.fingerprint(&["offline_data.device_sync_state"]).await;
    for payload in PAYLOADS {
        for request in [
            json!({ "cursor": payload }),
            json!({ "tables": [payload] }),
            json!({ "seen_seq": payload }),
        ] {
            assert_eq!(
                stage
                    .caller
                    .pull_text(stage.device, &request)
                    .await
                    .unwrap_err()
                    .code,
                "22023",
                "{request}"
            );
        }
        assert_eq!(
            stage
                .caller
                .pull(stage.device, &json!({ "schema": payload }))
                .await
                .len(),
            4
        );
        let info = json!({ *payload: payload, "name": payload });
        stage
            .caller
            .try_register(stage.device, &info)
            .await
            .unwrap();
        let page = stage.caller.conflicts(&json!({ "table": payload })).await;
        assert_eq!(page["conflicts"], json!([]));
        let error = stage
            .caller
            .resolve(Uuid::new_v4(), payload, None)
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023");
    }
    assert_eq!(
        stage.fingerprint(&["offline_data.device_sync_state"]).await,
        before
    );
    stage.assert_alive().await;
}

#[tokio::test]
async fn scopes_keys_and_users_full_of_sql_travel_as_text() {
    let db = Db::create().await;
    db.sql(
        "create table public.wild (id text primary key, room text, body text);
        alter table public.wild enable row level security;
        create policy everyone on public.wild to authenticated using (true) with check (true);
        create table public.rooms (room text)",
    )
    .await;
    db.sql("grant select on public.rooms to authenticated")
        .await;
    db.enable_sync(
        "public.wild",
        json!({ "scope": "room", "members": "select room from public.rooms" }),
    )
    .await;
    let (mut one, mut two) = (
        Device::new(&db, Uuid::new_v4()).await,
        Device::new(&db, Uuid::new_v4()).await,
    );
    for payload in PAYLOADS {
        db.rows("insert into public.rooms values ($1)", &[payload])
            .await;
        one.insert(
            "public.wild",
            json!({ "id": payload }),
            json!({ "room": payload, "body": payload }),
        );
    }
    assert_eq!(one.push().await.count("applied"), PAYLOADS.len());
    two.pull().await;
    one.pull().await;
    two.assert_in_step("public.wild").await;
    for payload in PAYLOADS {
        assert_eq!(
            two.row("public.wild", &json!({ "id": payload }))
                .unwrap()
                .scope,
            *payload
        );
        two.delete("public.wild", json!({ "id": payload }));
    }
    assert_eq!(two.push().await.count("applied"), PAYLOADS.len());
    one.pull().await;
    assert_eq!(one.rows("public.wild").len(), 0);
    db.rows("delete from public.rooms", &[]).await;
    let page = one
        .caller
        .pull(one.id, &json!({ "cursor": one.cursor }))
        .await;
    assert_eq!(page.revoked_scopes.len(), PAYLOADS.len());
}
