//! What a specification may say, and how often its query runs.

use serde_json::{Value, json};

use crate::{code, flowers, spec, train, try_train};

#[tokio::test]
async fn features_are_found_where_there_is_no_label() {
    let db = flowers().await;
    for (algorithm, params) in [("kmeans", json!({ "clusters": 3 })), ("pca", json!({}))] {
        let spec = json!({ "algorithm": algorithm, "table": "public.flower", "params": params });
        try_train(&db, algorithm, &spec).await.unwrap();
        let query = "select offline.model_info($1) -> 'spec' -> 'features'";
        let features: Value = db.one(query, &[&algorithm]).await;
        assert_eq!(features, json!(["length", "width", "noise"]));
    }
}

#[tokio::test]
async fn a_query_runs_once() {
    let db = flowers().await;
    db.sql("create sequence public.runs").await;
    let query = "select f.length, f.width, f.kind, nextval('public.runs') > 0 as counted from public.flower f";
    let spec = json!({ "algorithm": "tree", "query": query, "label": "kind" });
    let answer = try_train(&db, "kind", &spec).await.unwrap();
    assert_eq!(answer["rows"], 300);
    let read: i64 = db.one("select last_value from public.runs", &[]).await;
    assert_eq!(read, 300, "rows read for 300 rows");
}

#[tokio::test]
async fn a_specification_that_says_what_there_is_not_is_refused_by_name() {
    let db = flowers().await;
    for (more, named) in [
        (json!({ "test_size": 0.5 }), "test_size"),
        (json!({ "features": ["length", "length"] }), "length"),
        (
            json!({ "features": ["length"], "categorical": ["length"] }),
            "length",
        ),
        (json!({ "categorical": ["kind"] }), "kind"),
        (json!({ "text": ["kind"] }), "kind"),
        (json!({ "label": "length" }), "length"),
        (json!({ "features": "length" }), "features"),
        (json!({ "features": [1] }), "features"),
        (json!({ "features": { "length": 1 } }), "features"),
        (json!({ "label": ["kind"] }), "label"),
        (json!({ "test_share": "0.5" }), "test_share"),
        (json!({ "shared": "perhaps" }), "shared"),
        (json!({ "params": [] }), "params"),
        (json!({ "requires": 7 }), "requires"),
        (json!({ "requires": ["webgpu"] }), "requires"),
        (json!({ "deploy": true }), "deploy"),
    ] {
        let error = try_train(&db, "kind", &spec(&more)).await.unwrap_err();
        assert_eq!(error.code, "22023", "{more}: {error}");
        assert!(error.message.contains(named), "{more}: {error}");
    }
    train(
        &db,
        "kind",
        &json!({ "requires": null, "shared": null, "categorical": null }),
    )
    .await;
}

#[tokio::test]
async fn no_rows_are_too_few_rows() {
    let db = flowers().await;
    for more in [
        json!({ "table": null, "query": "select * from public.flower where false" }),
        json!({ "table": null, "query": "select * from public.flower where false", "features": null }),
        json!({ "algorithm": "kmeans", "table": null, "query": "select * from public.flower where false", "features": null, "label": null }),
    ] {
        let error = try_train(&db, "kind", &spec(&more)).await.unwrap_err();
        assert_eq!(error.code, "22023");
        assert!(error.message.contains("too few"), "{more}: {error}");
    }
}

#[tokio::test]
async fn a_query_may_end_in_a_comment() {
    let db = flowers().await;
    let query = "select * from public.flower -- all of them";
    train(&db, "kind", &json!({ "table": null, "query": query })).await;
}

#[tokio::test]
async fn what_only_looks_like_a_number_is_no_feature() {
    let db = flowers().await;
    db.sql("create table public.odd as select f.*, f.noise::numeric::money as price, 'pg_class'::regclass as relation, now() as seen from public.flower f")
        .await;
    train(
        &db,
        "kind",
        &json!({ "table": "public.odd", "features": null }),
    )
    .await;
    let query = "select offline.model_info('kind') -> 'spec' -> 'features'";
    let features: Value = db.one(query, &[]).await;
    assert_eq!(features, json!(["id", "length", "width", "noise"]));
    let asked = spec(&json!({ "table": "public.odd", "features": ["length", "price"] }));
    let error = try_train(&db, "kind", &asked).await.unwrap_err();
    assert_eq!(error.code, "42804", "{error}");
    train(
        &db,
        "kind",
        &json!({ "table": "public.odd", "features": ["length", "seen"] }),
    )
    .await;
}

#[tokio::test]
async fn numbers_that_64_bits_do_not_hold_are_refused_with_a_code() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    for statement in [
        "select offline.predict('kind', '{\"length\": 1e400}')",
        "select offline.predict_many('kind', '[{\"length\": 1e400}]')",
    ] {
        assert_eq!(code(&db, statement).await, "22023");
    }
    let query = "select length, noise, width::float8 * 1e200 as far from public.flower";
    for algorithm in ["linear", "elastic_net", "tree", "forest", "boosting"] {
        let spec = json!({ "algorithm": algorithm, "query": query, "label": "far", "features": ["length", "noise"] });
        let error = try_train(&db, "far", &spec).await.unwrap_err();
        assert_eq!(error.code, "22023", "{algorithm}: {error}");
        assert!(error.message.contains("label"), "{algorithm}: {error}");
    }
}
