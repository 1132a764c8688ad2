//! The pull request, and the request for conflicts.

use serde_json::{Value, json};

use crate::Stage;

#[tokio::test]
async fn every_field_of_a_pull_request_is_checked() {
    let stage = Stage::new().await;
    let long = "x".repeat(129);
    let table: Vec<(&str, Vec<Value>, &str)> = vec![
        (
            "cursor",
            vec![
                json!(5),
                json!(true),
                json!([]),
                json!({}),
                json!(""),
                json!("x"),
                json!("1'; drop table public.note; --"),
                json!("x".repeat(1_000_001)),
            ],
            "22023",
        ),
        (
            "limit",
            vec![
                json!(0),
                json!(-1),
                json!(1.5),
                json!("5"),
                json!(10_001),
                json!([]),
                json!({}),
                json!(true),
                json!(1e300),
            ],
            "22023",
        ),
        (
            "max_bytes",
            vec![
                json!(0),
                json!(-1),
                json!(1.5),
                json!("5"),
                json!([]),
                json!({}),
                json!(true),
            ],
            "22023",
        ),
        (
            "tables",
            vec![
                json!("public.note"),
                json!(5),
                json!({}),
                json!([5]),
                json!([null]),
                json!([[]]),
                json!(["public.nowhere"]),
                json!(["public.member"]),
                json!([""]),
                json!(["public.note'; drop table public.note; --"]),
                json!([long.clone()]),
            ],
            "22023|PT413",
        ),
        ("tables", vec![json!(vec!["public.note"; 1_001])], "PT413"),
        (
            "seen_seq",
            vec![
                json!(-1),
                json!("x"),
                json!(""),
                json!(1.5),
                json!([]),
                json!({}),
                json!(true),
                json!("99999999999999999999"),
            ],
            "22023",
        ),
        (
            "schema",
            vec![json!(5), json!([]), json!({}), json!(true)],
            "22023",
        ),
        ("schema", vec![json!(long)], "PT413"),
        (
            "push_scopes",
            vec![json!("yes"), json!(5), json!([]), json!({})],
            "22023",
        ),
    ];
    let before = stage.fingerprint(&[]).await;
    for (field, values, codes) in table {
        for value in values {
            let request = json!({ field: value });
            let about = format!("{request:.200}");
            let error = stage
                .caller
                .pull_text(stage.device, &request)
                .await
                .expect_err(&about);
            assert!(
                codes.split('|').any(|code| code == error.code),
                "{about}: {error}"
            );
        }
    }
    for request in [json!([]), json!("x"), json!(5), json!(true), json!([{}])] {
        let error = stage
            .caller
            .pull_text(stage.device, &request)
            .await
            .expect_err(&request.to_string());
        assert_eq!(error.code, "22023", "{request}: {error}");
    }
    assert_eq!(stage.fingerprint(&[]).await, before);
    stage.assert_alive().await;
}

#[tokio::test]
async fn null_stands_for_the_default_and_unknown_keys_are_ignored() {
    let stage = Stage::new().await;
    let request = json!({ "cursor": null, "limit": null, "max_bytes": null, "tables": null, "seen_seq": null, "schema": null,
        "push_scopes": null, "future": { "x": 1 } });
    assert_eq!(stage.caller.pull(stage.device, &request).await.len(), 4);
    assert_eq!(
        stage
            .caller
            .pull(stage.device, &json!({ "max_bytes": 1_000_000_000_000_u64 }))
            .await
            .len(),
        4
    );
}

#[tokio::test]
async fn every_field_of_a_request_for_conflicts_is_checked() {
    let stage = Stage::new().await;
    let bad = [
        json!([]),
        json!("x"),
        json!(5),
        json!({ "limit": 0 }),
        json!({ "limit": 1_001 }),
        json!({ "limit": "many" }),
        json!({ "limit": [] }),
        json!({ "status": "open" }),
        json!({ "status": 5 }),
        json!({ "status": ["pending"] }),
        json!({ "after": { "created_at": "yesterday evening" } }),
        json!({ "after": { "created_at": "2026-01-01", "id": "x" } }),
    ];
    for request in bad {
        let result = stage
            .caller
            .client()
            .query_one("select offline.conflicts($1)", &[&request])
            .await;
        let error = offline_sync_testkit::PgError::from(result.expect_err(&request.to_string()));
        assert_eq!(error.code, "22023", "{request}: {error}");
    }
    stage.assert_alive().await;
}
