//! A push batch that is too long, too many, too deep, or has a gap.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod batch_text;

use batch_text::{error, parse, with};
use offline_sync_core::limits::Limits;

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
    for name in ["patch", "before", "args"] {
        assert_eq!(
            parse(&with(name, &deep(60))),
            Ok(1),
            "{name}: just deep enough"
        );
    }
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
