//! Arguments of the functions themselves.

use offline_sync_testkit::PgError;
use serde_json::json;

use crate::Stage;

/// A call as the user that must fail; its SQLSTATE.
async fn refusal(stage: &Stage, call: &str) -> String {
    let call = call.replace("DEVICE", &format!("'{}'", stage.device));
    match stage
        .caller
        .client()
        .simple_query(&format!("select {call}"))
        .await
    {
        Ok(answer) => panic!("refusal expected for {call:.200}: {answer:?}"),
        Err(error) => PgError::from(error).code,
    }
}

#[tokio::test]
async fn nulls_and_nonsense_in_any_argument_are_refused() {
    let stage = Stage::new().await;
    let before = stage.fingerprint(&[]).await;
    let large = format!(
        "offline.register_device(DEVICE, '{{\"x\": \"{}\"}}')",
        "x".repeat(2_000_000)
    );
    let deep = format!("offline.register_device(DEVICE, '{}')", "[".repeat(100_000));
    let cases = [
        ("offline.register_device(null)", "22023"),
        ("offline.register_device('x')", "22P02"),
        ("offline.register_device(DEVICE, null)", "22023"),
        ("offline.register_device(DEVICE, '[]')", "22023"),
        ("offline.register_device(DEVICE, '\"x\"')", "22023"),
        (
            "offline.register_device(DEVICE, '{\"rotate\": \"yes\"}')",
            "22023",
        ),
        (
            "offline.register_device(DEVICE, '{\"rotate\": 1}')",
            "22023",
        ),
        (
            "offline.register_device(DEVICE, '{\"rotate\": null}')",
            "22023",
        ),
        ("offline.register_device(DEVICE, '{')", "22P02"),
        (&large, "22023"),
        (&deep, "54001|22P02"),
        ("offline.push(null, '{\"v\":1,\"mutations\":[]}')", "42501"),
        (
            "offline.push(gen_random_uuid(), '{\"v\":1,\"mutations\":[]}')",
            "42501",
        ),
        ("offline.push(DEVICE, null)", "22023"),
        ("offline.push(DEVICE, '')", "22023"),
        ("offline.push('x', '')", "22P02"),
        ("offline.pull(null)", "42501"),
        ("offline.pull(gen_random_uuid())", "42501"),
        ("offline.pull(DEVICE, null)", "22023"),
        (
            "offline.sync(null, '{\"v\":1,\"mutations\":[]}', null, '{}')",
            "42501",
        ),
        ("offline.sync(DEVICE, null, null, '{}')", "22023"),
        (
            "offline.sync(DEVICE, '{\"v\":1,\"mutations\":[]}', null, null)",
            "22023",
        ),
        (
            "offline.sync(DEVICE, '{\"v\":1,\"mutations\":[]}', null, '{\"limit\":0}')",
            "22023",
        ),
        ("offline.conflicts(null)", "22023"),
        ("offline.resolve_conflict(null, 'mine')", "PT404"),
        ("offline.resolve_conflict(gen_random_uuid(), null)", "22023"),
        (
            "offline.resolve_conflict(gen_random_uuid(), 'mine')",
            "PT404",
        ),
        (
            "offline.resolve_conflict(gen_random_uuid(), 'merged', null)",
            "22023",
        ),
        ("offline.resolve_conflict('x', 'mine')", "22P02"),
    ];
    for (call, codes) in cases {
        let code = refusal(&stage, call).await;
        assert!(
            codes.split('|').any(|expected| expected == code),
            "{call:.200}: {code}"
        );
    }
    assert_eq!(stage.fingerprint(&[]).await, before);
    stage.assert_alive().await;
}

#[tokio::test]
async fn no_topic_that_is_not_the_callers_may_be_read_whatever_it_looks_like() {
    let stage = Stage::new().await;
    let me = stage.caller.user().to_string();
    let may = async |topic: Option<&str>| -> bool {
        stage
            .caller
            .client()
            .query_one("select offline.may_read_topic($1)", &[&topic])
            .await
            .unwrap()
            .get::<_, Option<bool>>(0)
            .unwrap_or(false)
    };
    assert!(may(Some(&format!("offline:user:{me}"))).await);
    for topic in [
        "",
        "offline:user:",
        "offline:user:%",
        "%",
        "offline:user:' or true --",
        "offline:team:",
        "*",
        "offline:user:null",
    ] {
        assert!(!may(Some(topic)).await, "{topic}");
    }
    assert!(!may(None).await);
    assert!(!may(Some(&me)).await);
}

#[tokio::test]
async fn claims_that_make_no_sense_are_no_user() {
    let stage = Stage::new().await;
    for claims in ["", "{}", "{\"sub\": null}", "{\"role\": \"authenticated\"}"] {
        stage
            .caller
            .client()
            .query_one(
                "select set_config('request.jwt.claims', $1, false)",
                &[&claims],
            )
            .await
            .unwrap();
        let error = stage
            .caller
            .pull_text(stage.device, &json!({}))
            .await
            .unwrap_err();
        assert_eq!(error.code, "42501", "{claims}");
        assert_eq!(
            stage
                .caller
                .push_err(stage.device, "{\"v\":1,\"mutations\":[]}")
                .await
                .code,
            "42501"
        );
    }
}
