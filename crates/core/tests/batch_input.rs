//! Every field of a push batch: missing, of the wrong type, out of range, repeated.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod batch_text;

use batch_text::{error, parse, with};
use offline_sync_core::CoreError;

#[test]
fn every_required_field_is_required() {
    for name in ["seq", "op", "table", "key", "patch"] {
        for absent in ["", "null"] {
            assert_eq!(
                error(&with(name, absent)).sqlstate(),
                "22023",
                "{name} {absent:?}"
            );
        }
    }
    for name in [
        "base", "before", "hlc", "after", "group", "priority", "function", "args",
    ] {
        for absent in ["", "null"] {
            assert_eq!(parse(&with(name, absent)), Ok(1), "{name} {absent:?}");
        }
    }
}

#[test]
fn every_field_refuses_other_types() {
    let wrong: [(&str, &[&str]); 12] = [
        (
            "seq",
            &[
                "true", "1.0", "1e2", "-1", "\"1.0\"", "\"+1\"", "\"\"", "\"one\"", "[1]", "{}",
            ],
        ),
        (
            "op",
            &["1", "true", "[]", "{}", "\"replace\"", "\"UPDATE\"", "\"\""],
        ),
        ("table", &["1", "true", "[]", "{}"]),
        ("key", &["1", "\"id\"", "true", "[]", "{}"]),
        (
            "base",
            &["true", "1.5", "-1", "\"-1\"", "\"x\"", "[]", "{}"],
        ),
        ("patch", &["1", "\"title\"", "true", "[]"]),
        ("before", &["1", "\"title\"", "true", "[]"]),
        (
            "hlc",
            &["true", "1.5", "-1", "\"-1\"", "\"now\"", "[]", "{}"],
        ),
        (
            "after",
            &[
                "1", "\"40\"", "true", "{}", "[null]", "[true]", "[1.5]", "[[1]]", "[\"x\"]",
            ],
        ),
        ("group", &["1", "true", "[]", "{}"]),
        ("priority", &["true", "\"5\"", "5.0", "[]", "{}", "99999"]),
        ("function", &["1", "true", "[]", "{}"]),
    ];
    for (name, values) in wrong {
        for value in values {
            assert_eq!(
                error(&with(name, value)).sqlstate(),
                "22023",
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn a_type_error_names_the_field_and_the_place() {
    let CoreError::BadJson {
        document,
        reason,
        line,
        column,
    } = error(&with("hlc", "true"))
    else {
        panic!("another error");
    };
    assert_eq!((document, line), ("batch", 1));
    assert!(reason.contains("hlc"), "{reason}");
    assert!(column > 100, "{column}");
}

#[test]
fn numbers_have_ranges() {
    let out_of_range = [
        ("seq", "0"),
        ("seq", "\"0\""),
        ("seq", "\"9223372036854775808\""),
        ("seq", "18446744073709551615"),
        ("base", "\"9223372036854775808\""),
        ("hlc", "\"9223372036854775808\""),
        ("priority", "-1"),
        ("priority", "10"),
        ("after", "[0]"),
        ("after", "[\"41\"]"),
        ("after", "[\"42\"]"),
    ];
    for (name, value) in out_of_range {
        assert_eq!(
            error(&with(name, value)).sqlstate(),
            "22023",
            "{name}: {value}"
        );
    }
    for (name, value) in [
        ("priority", "0"),
        ("priority", "9"),
        ("base", "0"),
        ("after", "[]"),
    ] {
        assert_eq!(parse(&with(name, value)), Ok(1), "{name}: {value}");
    }
}

#[test]
fn the_batch_object_is_strict() {
    let bad = [
        "",
        " ",
        "null",
        "1",
        "\"{}\"",
        "[]",
        "{",
        "{}",
        "nonsense",
        "{\"v\":1}",
        "{\"mutations\":[]}",
        "{\"v\":1,\"mutations\":null}",
        "{\"v\":1,\"mutations\":{}}",
        "{\"v\":1,\"mutations\":[1]}",
        "{\"v\":1,\"mutations\":[[]]}",
        "{\"v\":1,\"mutations\":[null]}",
        "{\"v\":null,\"mutations\":[]}",
        "{\"v\":\"1\",\"mutations\":[]}",
        "{\"v\":1.0,\"mutations\":[]}",
        "{\"v\":0,\"mutations\":[]}",
        "{\"v\":2,\"mutations\":[]}",
        "{\"v\":-1,\"mutations\":[]}",
        "{\"v\":true,\"mutations\":[]}",
        "{\"v\":1,\"v\":1,\"mutations\":[]}",
        "{\"v\":1,\"mutations\":[],\"mutations\":[]}",
        "{\"v\":1,\"sent_at\":5,\"mutations\":[]}",
        "{\"v\":1,\"sent_at\":{},\"mutations\":[]}",
        "{\"v\":1,\"mutations\":[]} x",
        "{\"v\":1,\"mutations\":[],}",
        "{'v':1,'mutations':[]}",
    ];
    for text in bad {
        assert_eq!(error(text).sqlstate(), "22023", "{text}");
    }
    for text in [
        r#"{"v":1,"mutations":[]}"#,
        r#" {"mutations":[],"sent_at":null,"v":1} "#,
    ] {
        assert_eq!(parse(text), Ok(0), "{text}");
    }
}

#[test]
fn control_characters_must_be_escaped_even_in_names() {
    let cases = [
        with("table", "\"public\u{1}notes\""),
        with("table", "\"public\\t\u{1}notes\""),
        with("group", "\"\n\""),
        with("key", "{\"i\td\":1}"),
        with("patch", "{\"a\":\"\u{1f}\"}"),
    ];
    for text in cases {
        assert_eq!(error(&text).sqlstate(), "22023", "{text:?}");
    }
    assert_eq!(parse(&with("table", "\"public\\tnotes\"")), Ok(1));
}

#[test]
fn duplicate_keys_are_refused() {
    let text = with("group", "null").replace("\"group\":null", "\"seq\":\"41\"");
    assert_eq!(error(&text).sqlstate(), "22023");
    for name in ["key", "patch", "before"] {
        for value in [r#"{"a":1,"a":2}"#, r#"{"a":1,"b":2,"\u0061":3}"#] {
            assert_eq!(
                error(&with(name, value)).sqlstate(),
                "22023",
                "{name}: {value}"
            );
        }
        let many: Vec<String> = (0..40).map(|n| format!("\"c{n}\":{n}")).collect();
        let value = format!("{{{},\"c7\":0}}", many.join(","));
        assert_eq!(
            error(&with(name, &value)).sqlstate(),
            "22023",
            "{name}: 41 members"
        );
    }
}

#[test]
fn unknown_keys_are_ignored() {
    let text = with("args", "null")
        .replace("\"v\":1", "\"v\":1,\"client\":{\"name\":[1,2]}")
        .replace("\"args\":null", "\"future\":{\"a\":[1,{\"b\":null}]}");
    assert_eq!(parse(&text), Ok(1));
}
