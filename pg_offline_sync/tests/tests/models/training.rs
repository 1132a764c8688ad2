//! Training: as the caller, from a table or a query, with what was measured stored beside it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{flowers, spec, train, try_train, version};

#[tokio::test]
async fn a_model_learns_what_the_rows_say_and_stores_how_well() {
    let db = flowers().await;
    for algorithm in ["logistic", "gaussian_nb", "tree", "forest", "boosting"] {
        let answer = train(&db, algorithm, &json!({ "algorithm": algorithm })).await;
        assert_eq!(
            (&answer["version"], &answer["deployed"], &answer["rows"]),
            (&json!(1), &json!(true), &json!(300))
        );
        let accuracy = answer["report"]["metrics"]["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.97, "{algorithm}: {accuracy}");
        let info: Value = db.one("select offline.model_info($1)", &[&algorithm]).await;
        assert_eq!(info["report"]["metrics"]["accuracy"], accuracy);
        assert_eq!(
            info["spec"]["features"],
            json!(["length", "width", "noise"])
        );
        assert!(
            info["query"].as_str().unwrap().contains("public.flower")
                || info["query"].as_str().unwrap().contains("flower")
        );
    }
}

#[tokio::test]
async fn numbers_categories_texts_and_missing_values_go_together() {
    let db = flowers().await;
    db.sql("update public.flower set length = null where id % 10 = 0; update public.flower set colour = null where id % 7 = 0").await;
    let answer = train(
        &db,
        "kind",
        &json!({ "features": ["length"], "categorical": ["colour"], "text": ["note"] }),
    )
    .await;
    assert!(answer["report"]["metrics"]["accuracy"].as_f64().unwrap() > 0.97);
    let label: Value = db
        .one("select offline.predict('kind', '{\"colour\": \"green\", \"note\": \"a white flower 🌼\"}') -> 'label'", &[])
        .await;
    assert_eq!(label, "lily");
    let error = db
        .try_sql("select offline.score('kind', array[1.0])")
        .await
        .unwrap_err();
    assert_eq!(error.code, "22023");
}

#[tokio::test]
async fn without_features_every_number_but_label_and_key_counts() {
    let db = flowers().await;
    let mut spec = spec(&json!({}));
    spec.as_object_mut().unwrap().remove("features");
    try_train(&db, "kind", &spec).await.unwrap();
    let info: Value = db
        .one(
            "select offline.model_info('kind') -> 'spec' -> 'features'",
            &[],
        )
        .await;
    assert_eq!(info, json!(["length", "width", "noise"]));
}

#[tokio::test]
async fn a_regression_learns_numbers() {
    let db = flowers().await;
    for algorithm in ["linear", "elastic_net", "forest", "boosting"] {
        let answer = train(&db, "width", &json!({ "algorithm": algorithm, "label": "width", "features": ["length", "noise"], "deploy": "always",
            "params": if algorithm == "elastic_net" { json!({ "alpha": 0.001 }) } else { json!({}) } })).await;
        assert_eq!(answer["task"], "regression", "{algorithm}");
        assert!(
            answer["report"]["metrics"]["r2"].as_f64().unwrap() > 0.8,
            "{algorithm}: {answer}"
        );
        let answer: Value = db
            .one(
                "select offline.predict('width', '{\"length\": 4.2, \"noise\": 0}')",
                &[],
            )
            .await;
        assert!(
            (answer["score"].as_f64().unwrap() + 2.0).abs() < 0.6,
            "{algorithm}: {answer}"
        );
        assert_eq!(answer["probabilities"], Value::Null);
    }
}

#[tokio::test]
async fn clusters_and_components_need_no_label() {
    let db = flowers().await;
    let answer = train(&db, "groups", &json!({ "algorithm": "kmeans", "label": null, "features": ["length", "width"], "params": { "clusters": 3 } })).await;
    assert_eq!(answer["task"], "clustering");
    let groups: i64 = db
        .one("select count(distinct (kind, offline.score('groups', array[length, width]))) from public.flower", &[])
        .await;
    assert_eq!(groups, 3);
    train(
        &db,
        "parts",
        &json!({ "algorithm": "pca", "label": null, "params": { "components": 2 } }),
    )
    .await;
    let parts: Value = db.one("select offline.predict('parts', '{\"length\": 1, \"width\": 2, \"noise\": 3}') -> 'components'", &[]).await;
    assert_eq!(parts.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_a_better_version_serves_unless_the_specification_says_otherwise() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    let worse = train(&db, "kind", &json!({ "features": ["noise"] })).await;
    assert_eq!(
        (&worse["version"], &worse["deployed"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(version(&db, "kind").await, 1);
    let forced = train(
        &db,
        "kind",
        &json!({ "features": ["noise"], "deploy": "always" }),
    )
    .await;
    assert_eq!(
        (&forced["version"], &forced["deployed"]),
        (&json!(3), &json!(true))
    );
    let better = train(&db, "kind", &json!({})).await;
    assert_eq!(
        (&better["version"], &better["deployed"]),
        (&json!(4), &json!(true))
    );
    let compared: Value = db.one("select offline.compare_models('kind')", &[]).await;
    assert!(
        [json!(1), json!(4)].contains(&compared["best"]),
        "{compared}"
    );
    assert_eq!(compared["versions"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn training_reads_as_its_caller_under_row_level_security() {
    let db = flowers().await;
    db.sql(
        "alter table public.flower enable row level security;
         alter table public.flower force row level security;
         create policy few on public.flower using (id <= 90)",
    )
    .await;
    let rows = &train(&db, "kind", &json!({})).await["rows"];
    assert_eq!(*rows, 90);
}

#[tokio::test]
async fn the_same_rows_and_seed_give_the_same_artefact() {
    let db = flowers().await;
    for algorithm in ["logistic", "forest", "boosting", "kmeans"] {
        let label = if algorithm == "kmeans" {
            Value::Null
        } else {
            json!("kind")
        };
        for _ in 0..2 {
            train(&db, algorithm, &json!({ "algorithm": algorithm, "label": label, "seed": 7, "params": if algorithm == "kmeans" { json!({ "clusters": 3 }) } else { json!({}) } })).await;
        }
        let hashes: i64 = db
            .one(
                "select count(distinct sha256) from offline_data.edge_ai_models where model = $1",
                &[&algorithm],
            )
            .await;
        assert_eq!(hashes, 1, "{algorithm}");
    }
}

#[tokio::test]
async fn a_model_of_ftrl_learns_on() {
    let db = flowers().await;
    let query = "select length, width, kind = 'rose' as kind from public.flower where id <= 100";
    train(&db, "rose", &json!({ "algorithm": "ftrl", "query": query, "table": null, "features": ["length", "width"] })).await;
    let answer: Value = db
        .one(
            "select offline.update_model('rose', '{\"query\": \"select length, width, kind = ''rose'' as kind from public.flower where id > 100\"}')",
            &[],
        )
        .await;
    assert_eq!(
        (&answer["version"], &answer["rows"]),
        (&json!(2), &json!(200))
    );
    assert_eq!(version(&db, "rose").await, 2);
    train(&db, "kind", &json!({})).await;
    assert_eq!(
        db.try_sql("select offline.update_model('kind')")
            .await
            .unwrap_err()
            .code,
        "0A000"
    );
}

#[tokio::test]
async fn a_caller_of_the_api_cannot_train() {
    let db = flowers().await;
    let caller = db.caller(Uuid::new_v4()).await;
    let error = caller.try_sql("select offline.train_model('kind', '{\"algorithm\": \"logistic\", \"query\": \"select 1\"}')").await.unwrap_err();
    assert_eq!(error.code, "42501");
}

/// A value that training read as `10.00` and a prediction as `10.0` was two categories.
#[tokio::test]
async fn a_row_as_json_has_the_categories_and_times_that_training_saw() {
    let db = crate::Db::create().await;
    for kind in [
        "numeric(10, 2)",
        "float4",
        "float8",
        "int8",
        "boolean",
        "char(5)",
        "varchar",
        "uuid",
        "timestamp",
        "timestamptz",
        "date",
    ] {
        let (yes, no) = match kind {
            "float4" | "float8" => ("1e6", "1e7"),
            "boolean" => ("true", "false"),
            "uuid" => (
                "AAAAAAAA-0000-4000-8000-000000000001",
                "bbbbbbbb-0000-4000-8000-000000000002",
            ),
            "timestamp" | "timestamptz" | "date" => ("2026-01-01 10:00:00", "2026-02-01 10:00:00"),
            _ => ("10", "20"),
        };
        db.sql(&format!(
            "drop table if exists public.typed; set timezone = 'Asia/Tokyo';
            create table public.typed (id int primary key, c {kind}, good boolean);
            insert into public.typed select g, (case g % 2 when 0 then '{yes}' else '{no}' end)::{kind}, g % 2 = 0 from generate_series(1, 200) g"
        ))
        .await;
        let spec = json!({ "algorithm": "logistic", "table": "public.typed", "label": "good", "features": [], "categorical": ["c"], "deploy": "always" });
        try_train(&db, "typed", &spec).await.unwrap();
        let right = "select count(*) from public.typed t where offline.predict('typed', to_jsonb(t)) ->> 'label' = t.good::text";
        assert_eq!(db.one::<i64>(right, &[]).await, 200, "{kind}");
        if ["timestamp", "timestamptz", "date"].contains(&kind) {
            let spec = json!({ "algorithm": "tree", "table": "public.typed", "label": "good", "features": ["c"], "deploy": "always" });
            try_train(&db, "typed", &spec).await.unwrap();
            assert_eq!(db.one::<i64>(right, &[]).await, 200, "{kind} as a number");
        }
    }
    db.sql("drop table public.typed; create table public.typed (id int primary key, c int[], good boolean)").await;
    db.sql(
        "insert into public.typed select g, array[g % 2], g % 2 = 0 from generate_series(1, 20) g",
    )
    .await;
    for place in ["categorical", "text"] {
        let mut spec = json!({ "algorithm": "logistic", "table": "public.typed", "label": "good", "features": [] });
        spec[place] = json!(["c"]);
        assert_eq!(
            try_train(&db, "typed", &spec).await.unwrap_err().code,
            "42804",
            "{place}"
        );
    }
}

#[tokio::test]
async fn whole_numbers_of_64_bits_are_classes_of_their_own() {
    let db = crate::Db::create().await;
    db.sql("create table public.big (id int primary key, x int, label int8)")
        .await;
    db.sql("insert into public.big select g, g % 2, 9007199254740993 + 2 * (g % 2) from generate_series(1, 100) g").await;
    let spec = json!({ "algorithm": "logistic", "table": "public.big", "label": "label", "features": ["x"] });
    let answer = try_train(&db, "big", &spec).await.unwrap();
    assert_eq!(
        answer["report"]["labels"],
        json!(["9007199254740993", "9007199254740995"])
    );
}
