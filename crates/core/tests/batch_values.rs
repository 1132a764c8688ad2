//! What a well-formed batch parses to.
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use offline_sync_core::batch::{Op, parse_batch};
use offline_sync_core::clock::Hlc;
use offline_sync_core::limits::Limits;

#[test]
fn all_fields_arrive_and_values_stay_raw() {
    let text = r#"{"v":1,"sent_at":"2026-11-20T10:00:00.000Z","mutations":[
        {"seq":"41","op":"upsert","table":"public.notes","key":{"id":"x"},"base":17,
         "patch":{"n":12345678901234567890.10,"t":"\u00e9"},"before":{"n":1e2},
         "hlc":116200000000000000,"after":["39",40],"group":"g","priority":0}]}"#;
    let batch = parse_batch(text, &Limits::default()).unwrap();
    let mutation = &batch.mutations[0];
    assert_eq!(batch.sent_at.as_deref(), Some("2026-11-20T10:00:00.000Z"));
    assert_eq!(
        (mutation.seq, mutation.op, mutation.base),
        (41, Op::Upsert, Some(17))
    );
    assert_eq!(mutation.table, "public.notes");
    assert_eq!(mutation.hlc, Some(Hlc(116_200_000_000_000_000)));
    assert_eq!(mutation.after, [39, 40]);
    assert_eq!(mutation.group.as_deref(), Some("g"));
    assert_eq!(mutation.priority, 0);
    let patch: Vec<(&str, &str)> = mutation
        .patch
        .iter()
        .map(|(name, value)| (name.as_ref(), value.get()))
        .collect();
    assert_eq!(
        patch,
        [("n", "12345678901234567890.10"), ("t", r#""\u00e9""#)]
    );
    assert_eq!(mutation.before.as_ref().unwrap()[0].1.get(), "1e2");
    assert!(
        matches!(mutation.table, Cow::Borrowed(_)),
        "names are borrowed from the batch"
    );
}

#[test]
fn a_call_needs_a_function_and_nothing_else() {
    let text =
        r#"{"v":1,"mutations":[{"seq":1,"op":"call","function":"quiz.submit","args":{"a":[1]}}]}"#;
    let batch = parse_batch(text, &Limits::default()).unwrap();
    assert_eq!(batch.mutations[0].op, Op::Call);
    assert_eq!(batch.mutations[0].function.as_deref(), Some("quiz.submit"));
    assert_eq!(batch.mutations[0].args.unwrap().get(), r#"{"a":[1]}"#);
    let text = r#"{"v":1,"mutations":[{"seq":1,"op":"call","args":{}}]}"#;
    assert_eq!(
        parse_batch(text, &Limits::default())
            .unwrap_err()
            .sqlstate(),
        "22023"
    );
}

#[test]
fn text_that_postgres_cannot_store_is_noticed_per_mutation() {
    let unstorable = [
        r#""patch":{"t":"\u0000"}"#,
        r#""patch":{"t":"a\\\u0000"}"#,
        r#""patch":{"t":{"deep":["\u0000"]}}"#,
        r#""patch":{"t":{"\u0000":1}}"#,
        r#""patch":{"\u0000":1}"#,
        r#""patch":{"t":"\ud800"}"#,
        r#""patch":{"t":"\ud800x\udc00"}"#,
        r#""patch":{"t":"\udc00\ud800"}"#,
        r#""patch":{"t":"\ud800\u0041"}"#,
        r#""patch":{"\ud800":1}"#,
        r#""patch":{},"before":{"t":"\uDFFF"}"#,
        r#""patch":{},"group":"\u0000""#,
        r#""patch":{},"group":"\ud83d""#,
        r#""patch":{},"args":"\u0000""#,
    ];
    let storable = [
        r#""patch":{"t":"\\u0000"}"#,
        r#""patch":{"t":"\\\\u0000"}"#,
        r#""patch":{"t":"\ud83d\ude00"}"#,
        r#""patch":{"t":"\u0001\u00e9\uffff"}"#,
        r#""patch":{"\ud83d\ude00":"\\ud800"}"#,
    ];
    let is_storable = |members: &str| {
        let text = format!(
            r#"{{"v":1,"mutations":[{{"seq":1,"op":"update","table":"t","key":{{"id":1}},{members}}}]}}"#
        );
        parse_batch(&text, &Limits::default()).unwrap().mutations[0].storable
    };
    for members in unstorable {
        assert!(!is_storable(members), "{members}");
    }
    for members in storable {
        assert!(is_storable(members), "{members}");
    }
}
