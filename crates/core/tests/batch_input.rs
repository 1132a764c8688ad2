//! Every field of a push batch: missing, of the wrong type, out of range, too long, too many, too deep.
#![allow(clippy::unwrap_used, clippy::panic)]

use offline_sync_core::CoreError;
use offline_sync_core::batch::parse_batch;
use offline_sync_core::limits::Limits;

fn parse(text: &str) -> Result<usize, CoreError> {
    parse_batch(text, &Limits::default()).map(|batch| batch.mutations.len())
}

fn error(text: &str) -> CoreError {
    match parse(text) {
        Ok(_) => panic!("accepted: {}", &text[..text.len().min(300)]),
        Err(error) => error,
    }
}

/// A batch of one update in which one member is replaced; `""` leaves it out.
fn with(name: &str, value: &str) -> String {
    let members = [
        ("seq", r#""41""#),
        ("op", r#""update""#),
        ("table", r#""public.notes""#),
        ("key", r#"{"id":"1"}"#),
        ("base", r#""17""#),
        ("patch", r#"{"title":"New"}"#),
        ("before", r#"{"title":"Old"}"#),
        ("hlc", r#""116200000000000000""#),
        ("after", r#"["40"]"#),
        ("group", r#""g""#),
        ("priority", "5"),
        ("function", "null"),
        ("args", "null"),
    ];
    assert!(
        members.iter().any(|(member, _)| *member == name),
        "no member {name}"
    );
    let kept = members
        .iter()
        .map(|(member, sample)| (member, if *member == name { value } else { sample }));
    let written: Vec<String> = kept
        .filter(|(_, value)| !value.is_empty())
        .map(|(member, value)| format!("\"{member}\":{value}"))
        .collect();
    format!(r#"{{"v":1,"mutations":[{{{}}}]}}"#, written.join(","))
}

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

#[test]
fn each_limit_is_pt413_and_names_itself() {
    let limits = Limits::default();
    let long = "x".repeat(limits.name_bytes_max + 1);
    let quoted = format!("\"{long}\"");
    let named = format!("{{\"{long}\":1}}");
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let afters: Vec<String> = (0..=limits.after_max).map(|_| "1".to_owned()).collect();
    let one = r#"{"seq":SEQ,"op":"delete","table":"t","key":{"id":1}}"#;
    let many: Vec<String> = (1..=limits.mutations_max + 1)
        .map(|seq| one.replace("SEQ", &seq.to_string()))
        .collect();
    let cases = [
        (
            format!(r#"{{"v":1,"mutations":[{}]}}"#, many.join(",")),
            "mutations_max=1000",
        ),
        (
            format!("{}{}", with("args", "null"), " ".repeat(1_000_000)),
            "batch_bytes_max=1000000",
        ),
        (with("table", &quoted), "name_bytes_max=128"),
        (with("group", &quoted), "name_bytes_max=128"),
        (with("function", &quoted), "name_bytes_max=128"),
        (with("key", &named), "name_bytes_max=128"),
        (with("patch", &named), "name_bytes_max=128"),
        (with("before", &named), "name_bytes_max=128"),
        (
            format!(r#"{{"v":1,"sent_at":{quoted},"mutations":[]}}"#),
            "name_bytes_max=128",
        ),
        (
            with("key", &format!("{{\"id\":\"{}\"}}", "k".repeat(2_000))),
            "key_bytes_max=2000",
        ),
        (
            with("after", &format!("[{}]", afters.join(","))),
            "after_max=1000",
        ),
        (with("patch", &deep(61)), "depth_max=64"),
        (with("before", &deep(61)), "depth_max=64"),
        (with("key", &deep(61)), "depth_max=64"),
        (with("args", &deep(61)), "depth_max=64"),
        (with("patch", &deep(200_000)), "depth_max=64"),
        (with("args", &deep(200_000)), "depth_max=64"),
        (
            with("args", "null").replace("\"args\":null", &format!("\"x\":{}", deep(61))),
            "depth_max=64",
        ),
        (
            format!(r#"{{"v":1,"x":{},"mutations":[]}}"#, deep(200_000)),
            "depth_max=64",
        ),
    ];
    for (text, detail) in cases {
        let error = error(&text);
        assert_eq!(error.sqlstate(), "PT413", "{detail}: {error}");
        assert_eq!(error.detail().as_deref(), Some(detail));
    }
    assert_eq!(parse(&with("patch", &deep(60))), Ok(1), "just deep enough");
    assert_eq!(
        parse(&with("patch", r#"{"a":"[[[[{{{{"}"#)),
        Ok(1),
        "brackets in text are no depth"
    );
}

#[test]
fn deep_nesting_where_a_scalar_belongs_is_a_type_error() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for name in [
        "seq", "op", "table", "after", "hlc", "base", "group", "priority",
    ] {
        assert_eq!(error(&with(name, &deep)).sqlstate(), "22023", "{name}");
    }
    assert_eq!(error(&deep).sqlstate(), "22023");
}

#[test]
fn a_gap_inside_the_batch_names_the_expected_seq() {
    let batch = |seqs: &[u64]| {
        let each = seqs
            .iter()
            .map(|seq| format!(r#"{{"seq":{seq},"op":"delete","table":"t","key":{{"id":1}}}}"#));
        format!(
            r#"{{"v":1,"mutations":[{}]}}"#,
            each.collect::<Vec<_>>().join(",")
        )
    };
    for seqs in [&[5, 7][..], &[5, 5], &[5, 4], &[5, 6, 8]] {
        let error = error(&batch(seqs));
        assert_eq!(error.sqlstate(), "PT409", "{seqs:?}");
        assert_eq!(
            error.detail(),
            Some((5 + seqs.len() as u64 - 1).to_string()),
            "{seqs:?}"
        );
    }
    assert_eq!(parse(&batch(&[5, 6, 7])), Ok(3));
}
