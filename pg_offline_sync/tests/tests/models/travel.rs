//! Models on their way: exported, imported, pulled by devices.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{flowers, train, version};

#[tokio::test]
async fn an_exported_model_is_imported_elsewhere_and_says_the_same() {
    let (here, there) = (flowers().await, flowers().await);
    train(&here, "kind", &json!({})).await;
    let document: Value = here.one("select offline.export_model('kind')", &[]).await;
    assert_eq!(
        (&document["format"], &document["version"]),
        (&json!("offline-sync-model"), &json!(1))
    );
    let answer: Value = there
        .one("select offline.import_model($1)", &[&document])
        .await;
    assert_eq!(answer["version"], 1);
    assert_eq!(
        there
            .try_sql("select offline.predict('kind', '{}')")
            .await
            .unwrap_err()
            .code,
        "42704"
    );
    there.sql("select offline.deploy_model('kind', 1)").await;
    let ask = "select offline.predict('kind', '{\"length\": 1.5, \"width\": -0.5}')";
    assert_eq!(
        here.one::<Value>(ask, &[]).await,
        there.one::<Value>(ask, &[]).await
    );
}

#[tokio::test]
async fn a_document_that_was_tampered_with_is_refused() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    let document: Value = db.one("select offline.export_model('kind')", &[]).await;
    let import = async |document: &Value| {
        db.owner()
            .query_one("select offline.import_model($1)", &[document])
            .await
            .unwrap_err()
            .code()
            .unwrap()
            .code()
            .to_owned()
    };
    let mut bytes = document["artifact"].as_str().unwrap().to_owned();
    let at = bytes.len() / 2;
    let other = if &bytes[at..=at] == "A" { "B" } else { "A" };
    bytes.replace_range(at..=at, other);
    for (member, value, expected) in [
        ("artifact", json!(bytes), "22P03"),
        ("sha256", json!("00"), "22P03"),
        ("labels", json!(["a", "b", "c"]), "22023"),
        ("artifact", json!("not base64!"), "22023"),
        ("artifact", json!(7), "22023"),
        ("format", json!(null), "22023"),
        ("model", json!("no name!"), "22023"),
    ] {
        let mut tampered = document.clone();
        tampered[member] = value;
        assert_eq!(import(&tampered).await, expected, "{member}");
    }
    for bad in [json!([]), json!(null), json!("x"), json!({})] {
        assert_eq!(import(&bad).await, "22023");
    }
    assert_eq!(version(&db, "kind").await, 1);
}

#[tokio::test]
async fn devices_pull_what_serves_and_only_what_they_do_not_hold() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    train(&db, "secret", &json!({ "shared": false })).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let models = async |request: Value| -> Value {
        let answer: Value =
            serde_json::from_str(&caller.pull_text(device, &request).await.unwrap()).unwrap();
        answer["models"].clone()
    };
    assert_eq!(
        models(json!({})).await,
        json!([]),
        "a device that does not ask gets none"
    );
    let pulled = models(json!({ "models": {} })).await;
    assert_eq!(pulled.as_array().unwrap().len(), 1, "{pulled}");
    assert_eq!(
        (&pulled[0]["model"], &pulled[0]["version"]),
        (&json!("kind"), &json!(1))
    );
    let document: Value = db
        .one(
            "select offline.export_model('kind') - 'model' - 'version'",
            &[],
        )
        .await;
    assert_eq!(pulled[0]["export"], document);
    assert_eq!(models(json!({ "models": { "kind": 1 } })).await, json!([]));
    train(&db, "kind", &json!({ "deploy": "always" })).await;
    let pulled = models(json!({ "models": { "kind": 1 } })).await;
    assert_eq!(pulled[0]["version"], 2);
    db.sql("select offline.deploy_model('kind', null)").await;
    assert_eq!(
        models(json!({ "models": { "kind": 2 } })).await,
        json!([{ "model": "kind", "version": null }])
    );
    for bad in [json!([]), json!(1), json!("kind")] {
        let error = caller
            .pull_text(device, &json!({ "models": bad }))
            .await
            .unwrap_err();
        assert_eq!(error.code, "22023");
    }
}

#[tokio::test]
async fn a_model_too_large_for_the_answer_is_named_and_fetched_apart() {
    let db = flowers().await;
    train(&db, "kind", &json!({ "algorithm": "forest" })).await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let answer = caller
        .pull_text(device, &json!({ "models": {}, "max_bytes": 1000 }))
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (
            &answer["models"][0]["model"],
            &answer["models"][0]["export"]
        ),
        (&json!("kind"), &Value::Null)
    );
    let fetched: Value = caller
        .client()
        .query_one("select offline.export_model('kind', 1)", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(fetched["sha256"], answer["models"][0]["sha256"]);
}

#[tokio::test]
async fn models_of_other_formats_go_to_devices_that_can_run_them() {
    let db = flowers().await;
    let bytes = "c29tZSBvbm54IGJ5dGVz";
    let sha256: String = db
        .one(
            "select encode(sha256(decode($1, 'base64')), 'hex')",
            &[&bytes],
        )
        .await;
    let document = json!({ "format": "onnx", "model": "heavy", "sha256": sha256, "artifact": bytes, "requires": { "webgpu": true, "memory_mb": 2000 } });
    db.one::<Value>("select offline.import_model($1)", &[&document])
        .await;
    db.sql("select offline.deploy_model('heavy', 1)").await;
    let caller = db.caller(Uuid::new_v4()).await;
    for (capabilities, expected) in [
        (json!({}), 0),
        (
            json!({ "capabilities": { "webgpu": true, "memory_mb": 1000 } }),
            0,
        ),
        (
            json!({ "capabilities": { "webgpu": false, "memory_mb": 4000 } }),
            0,
        ),
        (
            json!({ "capabilities": { "webgpu": true, "memory_mb": 4000 } }),
            1,
        ),
    ] {
        let device = Uuid::new_v4();
        caller.try_register(device, &capabilities).await.unwrap();
        let answer: Value = serde_json::from_str(
            &caller
                .pull_text(device, &json!({ "models": {} }))
                .await
                .unwrap(),
        )
        .unwrap();
        assert_eq!(
            answer["models"].as_array().unwrap().len(),
            expected,
            "{capabilities}"
        );
        if expected == 1 {
            assert_eq!(answer["models"][0]["export"]["artifact"], bytes);
        }
    }
    let mut damaged = document.clone();
    damaged["artifact"] = json!("AAAA");
    let error = db
        .owner()
        .query_one("select offline.import_model($1)", &[&damaged])
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().code(), "22P03");
}

#[tokio::test]
async fn models_survive_a_dump() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    let dumped = db
        .program("pg_dump")
        .args(["--data-only", "--table", "offline_data.edge_ai_models"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&dumped.stdout).contains("offline-sync-model"));
}

#[tokio::test]
async fn linear_models_trees_and_forests_leave_as_onnx() {
    let db = flowers().await;
    for algorithm in ["logistic", "tree", "forest"] {
        train(&db, algorithm, &json!({ "algorithm": algorithm })).await;
        let document: Value = db
            .one(
                "select offline.export_model($1, null, 'onnx')",
                &[&algorithm],
            )
            .await;
        assert_eq!(document["format"], "onnx");
        assert!(document["artifact"].as_str().unwrap().len() > 100);
    }
    train(&db, "bayes", &json!({ "algorithm": "gaussian_nb" })).await;
    let error = db
        .try_sql("select offline.export_model('bayes', null, 'onnx')")
        .await
        .unwrap_err();
    assert_eq!(error.code, "0A000");
}

#[tokio::test]
async fn a_private_model_stays_private_where_it_is_imported() {
    let (here, there) = (flowers().await, flowers().await);
    let requires = json!({ "memory_mb": 500 });
    train(
        &here,
        "kind",
        &json!({ "shared": false, "requires": requires }),
    )
    .await;
    let mut document: Value = here.one("select offline.export_model('kind')", &[]).await;
    assert_eq!(
        (&document["shared"], &document["requires"]),
        (&json!(false), &requires)
    );
    let import = "select offline.import_model($1)";
    there.one::<Value>(import, &[&document]).await;
    document.as_object_mut().unwrap().remove("shared");
    there.one::<Value>(import, &[&document]).await;
    document["shared"] = json!(true);
    there.one::<Value>(import, &[&document]).await;
    for (version, shared) in [(1, false), (2, false), (3, true)] {
        let info: Value = there
            .one("select offline.model_info('kind', $1)", &[&version])
            .await;
        assert_eq!(
            (&info["shared"], &info["requires"]),
            (&json!(shared), &requires),
            "{version}"
        );
    }
}

#[tokio::test]
async fn requirements_that_are_no_object_break_no_pull() {
    let db = flowers().await;
    train(&db, "kind", &json!({})).await;
    let mut document: Value = db.one("select offline.export_model('kind')", &[]).await;
    for bad in [json!(1), json!([]), json!("webgpu"), json!(true)] {
        document["requires"] = bad.clone();
        let error = db
            .owner()
            .query_one("select offline.import_model($1)", &[&document])
            .await
            .unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22023", "{bad}");
    }
    document["requires"] = Value::Null;
    document["shared"] = json!(true);
    document["model"] = json!("other");
    db.one::<Value>("select offline.import_model($1)", &[&document])
        .await;
    db.sql("select offline.deploy_model('other', 1); update offline_data.edge_ai_models set requires = 'null' where model = 'kind'")
        .await;
    let caller = db.caller(Uuid::new_v4()).await;
    let device = caller.new_device().await;
    let answer = caller
        .pull_text(device, &json!({ "models": {} }))
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["models"].as_array().unwrap().len(), 2, "{answer}");
}
