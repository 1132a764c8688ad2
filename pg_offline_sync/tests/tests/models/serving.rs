//! Which version answers: deployments, rollbacks, transactions.

use offline_sync_testkit::Db;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{code, flowers, train, version};

/// Two versions of one model; the first serves.
async fn two_versions() -> Db {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    train(
        &db,
        "kind",
        &json!({ "algorithm": "tree", "deploy": "never" }),
    )
    .await;
    db
}

#[tokio::test]
async fn a_prediction_names_label_score_probabilities_and_version() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    let answer: Value = db
        .one(
            "select offline.predict('kind', '{\"length\": 4.2, \"width\": -1.8, \"noise\": 0}')",
            &[],
        )
        .await;
    assert_eq!(answer["label"], "lily");
    assert_eq!(
        (&answer["model"], &answer["version"]),
        (&json!("kind"), &json!(1))
    );
    let total: f64 = answer["probabilities"]
        .as_object()
        .unwrap()
        .values()
        .map(|p| p.as_f64().unwrap())
        .sum();
    assert!((total - 1.0).abs() < 1e-9);
    let many: Value = db
        .one("select offline.predict_many('kind', '[{\"length\": 0.1, \"width\": 0.1}, {\"length\": 2.2, \"width\": -0.9}]')", &[])
        .await;
    assert_eq!(many[0]["label"], "rose");
    assert_eq!(many[1]["label"], "iris");
}

#[tokio::test]
async fn score_predict_and_score_artifact_agree_to_the_bit() {
    let db = flowers().await;
    train(&db, "kind", &json!({ "query": "select length, width, noise, kind = 'rose' as kind from public.flower", "table": null })).await;
    let differing: i64 = db
        .one(
            "select count(*) from public.flower f
             cross join lateral (select array[f.length, f.width, f.noise]::real[] as v) r
             where offline.score('kind', r.v) is distinct from (offline.predict('kind', jsonb_build_object('length', f.length::float8, 'width', f.width::float8, 'noise', f.noise::float8)) ->> 'score')::float8
                or offline.score('kind', r.v) is distinct from offline.score_artifact(
                    (select m.artifact from offline_data.edge_ai_models m where m.model = 'kind'), r.v)",
            &[],
        )
        .await;
    assert_eq!(differing, 0);
}

#[tokio::test]
async fn a_deployment_is_seen_by_its_own_transaction_and_by_others_when_it_commits() {
    let db = two_versions().await;
    let other = db.connect("owner").await;
    let seen_by_other = async || {
        let row = other
            .query_one(
                "select offline.predict('kind', '{\"length\": 1}') ->> 'version'",
                &[],
            )
            .await
            .unwrap();
        row.get::<_, String>(0)
    };
    assert_eq!(
        (version(&db, "kind").await, seen_by_other().await.as_str()),
        (1, "1")
    );
    db.sql("begin; select offline.deploy_model('kind', 2)")
        .await;
    assert_eq!(
        (version(&db, "kind").await, seen_by_other().await.as_str()),
        (2, "1")
    );
    db.sql("commit").await;
    assert_eq!(
        (version(&db, "kind").await, seen_by_other().await.as_str()),
        (2, "2")
    );
}

#[tokio::test]
async fn a_deployment_that_is_rolled_back_never_served() {
    let db = two_versions().await;
    for undo in ["rollback", "rollback to savepoint s; commit"] {
        db.sql("begin; savepoint s; select offline.deploy_model('kind', 2)")
            .await;
        assert_eq!(version(&db, "kind").await, 2);
        db.sql(undo).await;
        assert_eq!(version(&db, "kind").await, 1, "{undo}");
    }
    db.sql("begin; savepoint s; select offline.deploy_model('kind', 2); select offline.predict('kind', '{\"length\": 1}'); rollback to savepoint s").await;
    assert_eq!(version(&db, "kind").await, 1, "inside the transaction, too");
    db.sql("commit").await;
}

#[tokio::test]
async fn a_loop_in_plpgsql_sees_what_it_deployed_itself() {
    let db = two_versions().await;
    db.sql(
        "create function public.versions_seen() returns int[] language plpgsql as $$
         declare seen int[] := '{}';
         begin
             for v in 1 .. 4 loop
                 perform offline.deploy_model('kind', 1 + v % 2);
                 seen := seen || (offline.predict('kind', '{\"length\": 1}') ->> 'version')::int;
                 begin
                     perform offline.deploy_model('kind', 2 - v % 2);
                     seen := seen || (offline.predict('kind', '{\"length\": 1}') ->> 'version')::int;
                     raise exception 'undo';
                 exception when raise_exception then
                     seen := seen || (offline.predict('kind', '{\"length\": 1}') ->> 'version')::int;
                 end;
             end loop;
             return seen;
         end $$",
    )
    .await;
    let seen: Vec<i32> = db.one("select public.versions_seen()", &[]).await;
    assert_eq!(seen, [2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
}

#[tokio::test]
async fn rolling_back_walks_back_and_the_record_only_grows() {
    let db = flowers().await;
    for algorithm in ["logistic", "tree", "gaussian_nb"] {
        train(
            &db,
            "kind",
            &json!({ "algorithm": algorithm, "deploy": "always" }),
        )
        .await;
    }
    let deployments = "select count(*) from offline_data.model_deployment";
    assert_eq!(version(&db, "kind").await, 3);
    for (expected, rows) in [(2, 4), (1, 5)] {
        let answer: Value = db.one("select offline.rollback_model('kind')", &[]).await;
        assert_eq!(answer["version"], expected);
        assert_eq!(version(&db, "kind").await, expected);
        assert_eq!(db.one::<i64>(deployments, &[]).await, rows);
    }
    assert_eq!(
        code(&db, "select offline.rollback_model('kind')").await,
        "42704"
    );
    db.sql("select offline.deploy_model('kind', 3); select offline.drop_model_version('kind', 2)")
        .await;
    let answer: Value = db.one("select offline.rollback_model('kind')", &[]).await;
    assert_eq!(answer["version"], 1);
}

#[tokio::test]
async fn a_withdrawn_model_answers_nobody_and_can_come_back() {
    let db = two_versions().await;
    db.sql("select offline.deploy_model('kind', null)").await;
    assert_eq!(
        code(&db, "select offline.predict('kind', '{}')").await,
        "42704"
    );
    db.sql("select offline.rollback_model('kind')").await;
    assert_eq!(version(&db, "kind").await, 1);
}

#[tokio::test]
async fn the_serving_version_cannot_be_dropped_and_others_can() {
    let db = two_versions().await;
    assert_eq!(
        code(&db, "select offline.drop_model_version('kind', 1)").await,
        "55006"
    );
    db.sql("select offline.drop_model_version('kind', 2)").await;
    assert_eq!(
        code(&db, "select offline.drop_model_version('kind', 2)").await,
        "42704"
    );
    assert_eq!(
        code(&db, "select offline.deploy_model('kind', 2)").await,
        "42704"
    );
}

#[tokio::test]
async fn an_index_and_a_parallel_plan_may_use_score_artifact() {
    let db = flowers().await;
    train(&db, "kind", &json!({ "query": "select length, width, kind = 'rose' as kind from public.flower", "table": null,
        "features": ["length", "width"] })).await;
    db.sql(
        "do $$
         begin
             execute format('create index on public.flower (offline.score_artifact(%L::bytea, array[length, width]))',
                 (select artifact from offline_data.edge_ai_models where model = 'kind'));
         end $$;
         set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2",
    )
    .await;
    let serial: f64 = db
        .one(
            "select sum(offline.score('kind', array[length, width])) from public.flower",
            &[],
        )
        .await;
    let plan: Vec<String> = db
        .column(
            "explain select sum(offline.score('kind', array[length, width])) from public.flower",
            &[],
        )
        .await;
    assert!(plan.iter().any(|line| line.contains("Gather")), "{plan:?}");
    assert!(serial > 90.0 && serial < 110.0, "{serial}");
}

#[tokio::test]
async fn callers_use_what_is_shared_and_serves_and_nothing_else() {
    let db = two_versions().await;
    train(&db, "secret", &json!({ "shared": false })).await;
    let caller = db.caller(Uuid::new_v4()).await;
    caller.sql("select offline.predict('kind', '{\"length\": 1}'), offline.score('kind', array[1, 2, 3])").await;
    caller.sql("select offline.export_model('kind')").await;
    for (statement, expected) in [
        ("select offline.predict('secret', '{}')", "42704"),
        ("select offline.score('secret', array[1, 2, 3])", "42704"),
        ("select offline.export_model('secret')", "42704"),
        ("select offline.export_model('kind', 2)", "42704"),
        ("select offline.train_model('kind', '{}')", "42501"),
        ("select offline.deploy_model('kind', 2)", "42501"),
        ("select offline.rollback_model('kind')", "42501"),
        ("select offline.drop_model_version('kind', 2)", "42501"),
        ("select offline.list_models()", "42501"),
        ("select offline.model_info('kind')", "42501"),
        ("select offline.import_model('{}')", "42501"),
        ("select offline.update_model('kind')", "42501"),
        ("select * from offline_data.edge_ai_models", "42501"),
    ] {
        assert_eq!(
            caller.try_sql(statement).await.unwrap_err().code,
            expected,
            "{statement}"
        );
    }
}

#[tokio::test]
async fn what_the_owner_saw_is_not_remembered_for_a_caller_on_the_same_connection() {
    let db = flowers().await;
    train(&db, "secret", &json!({ "shared": false })).await;
    let owner = db.connect("postgres").await;
    let error = owner
        .batch_execute("begin isolation level repeatable read; select offline.predict('secret', '{\"length\": 1}'); set local role authenticated; \
            select offline.predict('secret', '{\"length\": 1}')")
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42704");
}
