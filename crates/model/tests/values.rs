//! What JSON values are as features.
#![allow(clippy::unwrap_used, missing_docs)]

use offline_sync_model::row::category;
use offline_sync_model::time::seconds;
use proptest::prelude::*;
use serde_json::{Value, json};

#[test]
fn a_time_is_the_seconds_that_postgres_extracts() {
    for (text, expected) in [
        ("1970-01-01", 0.0),
        ("1969-12-31T23:59:59.5", -0.5),
        ("2026-11-26T10:00:00", 1_795_687_200.0),
        ("2026-11-26 10:00:00.123456", 1_795_687_200.123_456),
        ("2026-11-26T10:00:00.1234567Z", 1_795_687_200.123_456),
        ("2026-11-26T10:00:00+02:00", 1_795_680_000.0),
        ("2026-11-26 10:00:00-0530", 1_795_707_000.0),
        ("2026-11-26T10:00:00+02", 1_795_680_000.0),
        ("2026-11-26T10:00", 1_795_687_200.0),
        ("2000-02-29", 951_782_400.0),
        ("12026-01-01", 317_336_745_600.0),
    ] {
        assert_eq!(seconds(text), Some(expected), "{text}");
    }
    for text in [
        "",
        "5",
        "1e3",
        "abc",
        "2026",
        "2026-13-01",
        "2026-1-1",
        "2026-01-32",
        "2026-01-01T",
        "2026-01-01T25:00:00",
        "2026-01-01T10",
        "2026-01-01T10:61",
        "2026-01-01T10:00:00.",
        "2026-01-01T10:00:00.5x",
        "2026-01-01T10:00:00+2",
        "2026-01-01T10:00:00+",
        "infinity",
        "10:00:00",
        "2026-01-01-01",
        "20\u{e9}6-01-01",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn a_number_is_one_category_however_it_is_spelled() {
    for (json, expected) in [
        ("10", "10"),
        ("10.0", "10"),
        ("10.00", "10"),
        ("1e1", "10"),
        ("1e+06", "1000000"),
        ("-0.0", "0"),
        ("0.50", "0.5"),
        ("9007199254740993", "9007199254740993"),
        ("1e300", "1e+300"),
        ("true", "true"),
        ("\"10.00\"", "10.00"),
    ] {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(category(&value).as_deref(), Some(expected), "{json}");
    }
    for value in [json!(null), json!([1]), json!({"a": 1})] {
        assert_eq!(category(&value), None);
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_time_panic(text in "[-0-9T:.Z+ é]{0,30}", any in "\\PC{0,40}") {
        let _ = (seconds(&text), seconds(&any));
    }
}
