//! What cannot be learned from, what is too much, and what somebody stops.

use std::time::Instant;

use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::{code, flowers, spec, train, try_train};

#[tokio::test]
async fn what_cannot_be_learned_from_has_a_code() {
    let db = flowers().await;
    db.sql("create table public.few as select * from public.flower where id <= 3; create table public.none as select * from public.flower where false; \
        create table public.one_kind as select * from public.flower where kind = 'iris'; \
        create table public.empty_feature as select f.*, null::real as nothing from public.flower f").await;
    for (more, expected) in [
        (json!({ "table": "public.few" }), "22023"),
        (json!({ "table": "public.none" }), "22023"),
        (json!({ "table": "public.one_kind" }), "22023"),
        (
            json!({ "table": "public.empty_feature", "features": ["nothing"] }),
            "22023",
        ),
        (json!({ "table": "public.nowhere" }), "42P01"),
        (json!({ "features": ["nowhere"] }), "42703"),
        (json!({ "label": "nowhere" }), "42703"),
        (json!({ "features": ["colour"] }), "42804"),
        (json!({ "features": "length" }), "22023"),
        (json!({ "algorithm": "magic" }), "22023"),
        (json!({ "params": { "no such": 1 } }), "22023"),
        (json!({ "deploy": "perhaps" }), "22023"),
        (json!({ "query": "select 1" }), "22023"),
        (json!({ "table": null }), "22023"),
        (json!({ "test_share": 2 }), "22023"),
        (
            json!({ "table": null, "query": "select 1) s; drop table public.flower; select (1" }),
            "42601",
        ),
    ] {
        let error = try_train(&db, "kind", &spec(&more)).await.unwrap_err();
        assert_eq!(error.code, expected, "{more}: {error}");
    }
    for name in ["", "a b", "x'; drop table public.flower", "é"] {
        assert_eq!(
            try_train(&db, name, &spec(&json!({})))
                .await
                .unwrap_err()
                .code,
            "22023"
        );
    }
    train(&db, "kind", &json!({})).await;
}

#[tokio::test]
async fn constant_features_and_infinities_cost_a_warning_not_a_crash() {
    let db = flowers().await;
    db.sql("update public.flower set noise = 5; update public.flower set width = 'infinity' where id = 5; update public.flower set width = 'NaN' where id = 8").await;
    let answer = train(&db, "kind", &json!({})).await;
    assert!(
        !answer["report"]["warnings"].as_array().unwrap().is_empty(),
        "{answer}"
    );
    let label: Value = db
        .one(
            "select offline.predict('kind', '{\"length\": 4.2, \"width\": 1e300, \"noise\": 9}')",
            &[],
        )
        .await;
    assert!(label["score"].is_number());
}

#[tokio::test]
async fn limits_are_settings_that_callers_cannot_lift() {
    let db = flowers().await;
    let superuser = db.connect("postgres").await;
    // Settings are known once the library is loaded; before, a setting is a name that anybody may give a value, which loading undoes.
    db.sql("select offline.version()").await;
    for (setting, value, expected) in [
        ("train_rows_max", 100, "54000"),
        ("train_features_max", 2, "54000"),
        ("model_bytes_max", 10, "54000"),
    ] {
        superuser
            .batch_execute(&format!("set offline_sync.{setting} = {value}"))
            .await
            .unwrap();
        let error = superuser
            .query_one(
                "select offline.train_model('kind', $1)",
                &[&spec(&json!({}))],
            )
            .await
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), expected, "{setting}");
        superuser
            .batch_execute(&format!("reset offline_sync.{setting}"))
            .await
            .unwrap();
        assert_eq!(
            code(&db, &format!("set offline_sync.{setting} = {value}")).await,
            "42501"
        );
    }
    train(&db, "kind", &json!({})).await;
    superuser
        .batch_execute("set offline_sync.predict_rows_max = 2")
        .await
        .unwrap();
    let error = superuser
        .query_one("select offline.predict_many('kind', '[{}, {}, {}]')", &[])
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "54000");
}

#[tokio::test]
async fn a_training_that_takes_too_long_stops() {
    let db = flowers().await;
    let superuser = db.connect("postgres").await;
    superuser
        .batch_execute("set offline_sync.train_seconds_max = 1")
        .await
        .unwrap();
    let started = Instant::now();
    let error = superuser
        .query_one("select offline.train_model('big', $1)", &[&slow()])
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57014");
    assert!(started.elapsed().as_secs() < 10);
}

/// A forest that takes many seconds.
fn slow() -> Value {
    let query = "select hashint4(g) / 1e9 as a, hashint4(g + 1) / 1e9 as b, hashint4(g + 2) / 1e9 as c, hashint4(g + 3) % 2 as kind from generate_series(1, 100000) g";
    json!({ "algorithm": "forest", "query": query, "label": "kind", "features": ["a", "b", "c"], "params": { "trees": 1000, "task": "classification" } })
}

#[tokio::test]
async fn a_statement_timeout_ends_a_training() {
    let db = flowers().await;
    db.sql("set statement_timeout = '1s'").await;
    let started = Instant::now();
    let error = try_train(&db, "big", &slow()).await.unwrap_err();
    assert_eq!(error.code, "57014");
    assert!(
        started.elapsed().as_millis() < 1_700,
        "{:?}",
        started.elapsed()
    );
    db.sql("set statement_timeout = 0").await;
    train(&db, "kind", &json!({})).await;
}

#[tokio::test]
async fn a_cancel_ends_a_training_and_gives_the_memory_back() {
    let db = flowers().await;
    let trainer = db.connect("owner").await;
    let pid: i32 = trainer
        .query_one("select pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    trainer
        .query_one(
            "select offline.train_model('kind', $1)",
            &[&spec(&json!({}))],
        )
        .await
        .unwrap();
    let before = resident_kb(pid);
    let token = trainer.cancel_token();
    let slow = slow();
    let arguments: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&slow];
    let training = trainer.query_one("select offline.train_model('big', $1)", &arguments);
    let cancel = async {
        offline_sync_testkit::eventually("the training takes memory", || async {
            resident_kb(pid) > before + 10_000
        })
        .await;
        let started = Instant::now();
        token.cancel_query(NoTls).await.unwrap();
        started
    };
    let (answer, started) = tokio::join!(training, cancel);
    let elapsed = started.elapsed();
    assert_eq!(answer.unwrap_err().code().unwrap().code(), "57014");
    assert!(elapsed.as_millis() < 1_000, "{elapsed:?}");
    trainer.batch_execute("select 1").await.unwrap();
    offline_sync_testkit::eventually("the memory comes back", || async {
        resident_kb(pid) < before + 8_000
    })
    .await;
}

/// Anonymous memory of a process, in kB.
fn resident_kb(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
