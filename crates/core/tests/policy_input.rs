//! The `policy` object of `enable_sync`.
#![allow(clippy::unwrap_used)]

use offline_sync_core::merge::{OnDelete, Policy, TablePolicy};

#[test]
fn an_empty_object_means_the_defaults() {
    for text in [
        "{}",
        r#"{"default":null,"on_delete":null,"columns":null}"#,
        r#"{"columns":{}}"#,
    ] {
        let policy = TablePolicy::parse(text).unwrap();
        assert_eq!(policy, TablePolicy::default(), "{text}");
        assert_eq!(
            (&policy.default, policy.on_delete),
            (&Policy::LastWriteWins, OnDelete::UpdateWins)
        );
    }
}

#[test]
fn every_policy_of_the_protocol_is_known_by_its_name() {
    for name in [
        "last_write_wins",
        "client_wins",
        "server_wins",
        "counter",
        "max",
        "min",
        "manual",
        "set",
        "json",
        "text",
        "merge",
    ] {
        let text = format!(r#"{{"columns":{{"c":"{name}"}}}}"#);
        let policy = TablePolicy::parse(&text).unwrap();
        assert_eq!(policy.columns["c"].name(), name);
        assert_eq!(policy.of("other"), &Policy::LastWriteWins);
    }
}

#[test]
fn a_function_is_named_by_an_object() {
    let policy =
        TablePolicy::parse(r#"{"columns":{"plan":{"function":"public.merge_plan"}}}"#).unwrap();
    assert_eq!(
        policy.of("plan"),
        &Policy::Function("public.merge_plan".to_owned())
    );
}

#[test]
fn every_deletion_rule_is_known_by_its_name() {
    for name in ["update_wins", "delete_wins", "manual"] {
        let policy = TablePolicy::parse(&format!(r#"{{"on_delete":"{name}"}}"#)).unwrap();
        assert_eq!(policy.on_delete.name(), name);
    }
}

#[test]
fn anything_else_is_refused() {
    let bad = [
        "",
        "null",
        "[]",
        "1",
        "\"last_write_wins\"",
        r#"{"other":1}"#,
        r#"{"default":"newest"}"#,
        r#"{"default":"Max"}"#,
        r#"{"default":1}"#,
        r#"{"default":[]}"#,
        r#"{"default":{}}"#,
        r#"{"default":{"function":""}}"#,
        r#"{"default":{"function":1}}"#,
        r#"{"default":{"function":"f","x":"y"}}"#,
        r#"{"default":{"procedure":"f"}}"#,
        r#"{"on_delete":"max"}"#,
        r#"{"on_delete":1}"#,
        r#"{"on_delete":{}}"#,
        r#"{"columns":[]}"#,
        r#"{"columns":"max"}"#,
        r#"{"columns":{"c":null}}"#,
        r#"{"columns":{"c":"newest"}}"#,
        r#"{"columns":{"c":"max"},"columns":{}}"#,
        r#"["max",null,null]"#,
    ];
    for text in bad {
        assert_eq!(
            TablePolicy::parse(text).unwrap_err().sqlstate(),
            "22023",
            "{text}"
        );
    }
}
