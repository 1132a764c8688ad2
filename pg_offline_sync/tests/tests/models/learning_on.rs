//! Models that go on learning from new rows.

use offline_sync_testkit::Db;
use serde_json::{Value, json};

use crate::{code, flowers, train};

/// A model of two classes that has learned from 100 flowers.
async fn rose() -> Db {
    let db = flowers().await;
    train(&db, "rose", &json!({ "algorithm": "ftrl", "query": query("id <= 100"), "table": null, "features": ["length", "width"], "test_share": 0 })).await;
    db
}

fn query(rows: &str) -> String {
    format!("select length, width, kind = 'rose' as kind from public.flower where {rows}")
}

fn update(rows: &str) -> String {
    let spec = json!({ "query": query(rows) })
        .to_string()
        .replace('\'', "''");
    format!("select offline.update_model('rose', '{spec}')")
}

async fn rows_learned(db: &Db) -> Value {
    let query = "select offline_private.describe_artifact(m.artifact) -> 'rows_learned' from offline_data.edge_ai_models m
        where m.model = 'rose' order by m.version desc limit 1";
    db.one(query, &[]).await
}

#[tokio::test]
async fn two_updates_at_once_are_both_learned() {
    let db = rose().await;
    let mut first = db.connect("owner").await;
    let second = db.connect("owner").await;
    let begun = first.transaction().await.unwrap();
    begun
        .batch_execute(&update("id between 101 and 150"))
        .await
        .unwrap();
    let statement = update("id between 151 and 200");
    let updated = second.batch_execute(&statement);
    let commit = async {
        crate::waits_for_lock(&db).await;
        begun.commit().await.unwrap();
    };
    let (updated, ()) = tokio::join!(updated, commit);
    updated.unwrap();
    assert_eq!(rows_learned(&db).await, 200);
}

#[tokio::test]
async fn rows_of_other_features_are_not_learned() {
    let db = rose().await;
    for features in [
        json!(["width", "length"]),
        json!(["length", "noise"]),
        json!(["length"]),
    ] {
        let spec =
            json!({ "table": "public.flower", "label": "kind", "features": features }).to_string();
        let statement = format!("select offline.update_model('rose', '{spec}')");
        let error = db.try_sql(&statement).await.unwrap_err();
        assert_eq!(error.code, "22023", "{features}");
        assert!(error.message.contains("features"), "{}", error.message);
    }
    db.sql(&update("id > 100")).await;
}

#[tokio::test]
async fn an_imported_model_learns_on() {
    let db = rose().await;
    let mut document: Value = db.one("select offline.export_model('rose')", &[]).await;
    document["model"] = json!("far");
    db.one::<Value>("select offline.import_model($1)", &[&document])
        .await;
    db.sql("select offline.deploy_model('far', 1)").await;
    let without_label = update("id > 100").replace("'rose',", "'far',");
    assert_eq!(code(&db, &without_label).await, "22023");
    let spec = json!({ "query": query("id > 100"), "label": "kind" });
    let answer: Value = db
        .one("select offline.update_model('far', $1)", &[&spec])
        .await;
    assert_eq!(
        (&answer["version"], &answer["rows"]),
        (&json!(2), &json!(200))
    );
}
