//! Every field of a pull request: defaults, wrong types, out of range, too long, too many.
#![allow(clippy::unwrap_used, clippy::panic)]

use offline_sync_core::CoreError;
use offline_sync_core::limits::PullLimits;
use offline_sync_core::pull::PullRequest;

fn parse(text: &str) -> Result<PullRequest, CoreError> {
    PullRequest::parse(text, &PullLimits::default())
}

fn error(text: &str) -> CoreError {
    match parse(text) {
        Ok(request) => panic!("accepted: {request:?}"),
        Err(error) => error,
    }
}

#[test]
fn an_empty_request_has_defaults() {
    let defaults = PullRequest {
        cursor: None,
        limit: 1_000,
        max_bytes: 1_000_000,
        tables: None,
        seen_seq: None,
        schema: None,
    };
    let nulls = r#"{"cursor":null,"limit":null,"max_bytes":null,"tables":null,"seen_seq":null,"schema":null}"#;
    for text in ["{}", nulls, r#"{"future":{"a":[1]}}"#] {
        assert_eq!(parse(text).unwrap(), defaults, "{text}");
    }
}

#[test]
fn all_fields_arrive() {
    let text = r#"{"cursor":"1abc","limit":10000,"max_bytes":1,"tables":["public.notes","a\"b"],
                   "seen_seq":"57","schema":"s1"}"#;
    let request = parse(text).unwrap();
    assert_eq!(request.cursor.as_deref(), Some("1abc"));
    assert_eq!(
        (request.limit, request.max_bytes, request.seen_seq),
        (10_000, 1, Some(57))
    );
    assert_eq!(request.tables.unwrap(), ["public.notes", "a\"b"]);
    assert_eq!(request.schema.as_deref(), Some("s1"));
    assert_eq!(parse(r#"{"seen_seq":57}"#).unwrap().seen_seq, Some(57));
}

#[test]
fn larger_max_bytes_are_cut() {
    let request = parse(r#"{"max_bytes":9223372036854775807}"#).unwrap();
    assert_eq!(request.max_bytes, 10_000_000);
}

#[test]
fn every_field_refuses_other_types_and_ranges() {
    let wrong: [(&str, &[&str]); 6] = [
        ("cursor", &["1", "true", "[]", "{}", r#""\ud800""#]),
        (
            "limit",
            &[
                "0",
                "-1",
                "10001",
                "1.5",
                "1e3",
                "\"10\"",
                "true",
                "[]",
                "{}",
                "9223372036854775808",
            ],
        ),
        (
            "max_bytes",
            &[
                "0",
                "-1",
                "1.5",
                "\"10\"",
                "true",
                "[]",
                "{}",
                "18446744073709551616",
            ],
        ),
        (
            "tables",
            &[
                "1",
                "\"t\"",
                "true",
                "{}",
                "[1]",
                "[null]",
                "[[]]",
                r#"["\u0000"]"#,
                r#"["\ud800"]"#,
            ],
        ),
        (
            "seen_seq",
            &[
                "-1",
                "1.5",
                "\"-1\"",
                "\"x\"",
                "\"\"",
                "true",
                "[]",
                "{}",
                "\"9223372036854775808\"",
            ],
        ),
        ("schema", &["1", "true", "[]", "{}", r#""\u0000""#]),
    ];
    for (name, values) in wrong {
        for value in values {
            let text = format!("{{\"{name}\":{value}}}");
            assert_eq!(error(&text).sqlstate(), "22023", "{text}");
        }
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let duplicated = r#"{"limit":1,"limit":1}"#;
    for text in [
        "", "null", "1", "\"\"", "[]", "{", "{}}", "nonsense", duplicated,
    ] {
        assert_eq!(error(text).sqlstate(), "22023", "{text}");
    }
    // An array is no object even where its elements would fit the fields in order.
    assert_eq!(error("[null,null,null,null,null,null]").sqlstate(), "22023");
}

#[test]
fn each_limit_is_pt413_and_names_itself() {
    let long = "x".repeat(129);
    let many = vec!["\"t\""; 1_001].join(",");
    let cases = [
        (format!("{{\"schema\":\"{long}\"}}"), "name_bytes_max=128"),
        (format!("{{\"tables\":[\"{long}\"]}}"), "name_bytes_max=128"),
        (format!("{{\"tables\":[{many}]}}"), "tables_max=1000"),
        (
            format!("{{}}{}", " ".repeat(2_000_000)),
            "request_bytes_max=2000000",
        ),
    ];
    for (text, detail) in cases {
        let error = error(&text);
        assert_eq!(error.sqlstate(), "PT413", "{detail}");
        assert_eq!(error.detail().as_deref(), Some(detail));
    }
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for name in ["cursor", "limit", "tables", "seen_seq", "schema"] {
        assert_eq!(
            error(&format!("{{\"{name}\":{deep}}}")).sqlstate(),
            "22023",
            "{name}"
        );
    }
    assert!(
        parse(&format!("{{\"future\":{deep}}}")).is_ok(),
        "unknown keys are skipped"
    );
}
