//! Row diffs, column clocks and slices.
#![allow(clippy::unwrap_used)]

use offline_sync_core::diff::{row_diff, stamp_columns};
use offline_sync_core::slice::slice_json_array;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn equal_rows_have_no_diff() {
    assert_eq!(
        row_diff(r#"{"a":1,"b":[1, 2]}"#, r#"{"a":1,"b":[1, 2]}"#),
        Ok(None)
    );
    assert_eq!(
        row_diff(r#"{"a":1,"b":2}"#, r#"{ "a": 1, "b": 2 }"#),
        Ok(None)
    );
    assert_eq!(row_diff(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), Ok(None));
}

#[test]
fn only_changed_columns_are_told_with_their_text_untouched() {
    let old = r#"{"id":7,"n":1.10,"t":"a","j":{"x": 1}}"#;
    let new = r#"{"id":7,"n":1.1,"t":"a","j":{"x": 2}}"#;
    let diff = row_diff(old, new).unwrap().unwrap();
    assert_eq!(diff.old, r#"{"n":1.10,"j":{"x": 1}}"#);
    assert_eq!(diff.new, r#"{"n":1.1,"j":{"x": 2}}"#);
    assert_eq!(diff.columns, ["n", "j"]);
}

#[test]
fn columns_of_one_side_only_have_changed() {
    let diff = row_diff(r#"{"a":1,"gone":2}"#, r#"{"new":null,"a":1}"#)
        .unwrap()
        .unwrap();
    assert_eq!(
        (diff.old.as_str(), diff.new.as_str()),
        (r#"{"gone":2}"#, r#"{"new":null}"#)
    );
    assert_eq!(diff.columns, ["new", "gone"]);
    let diff = row_diff("{}", r#"{"a":1}"#).unwrap().unwrap();
    assert_eq!((diff.old.as_str(), diff.new.as_str()), ("{}", r#"{"a":1}"#));
}

#[test]
fn column_names_are_escaped_again() {
    let diff = row_diff(r#"{"a\"\n\u0001é":1}"#, r#"{"a\"\n\u0001é":2}"#)
        .unwrap()
        .unwrap();
    assert_eq!(diff.old, r#"{"a\"\n\u0001é":1}"#);
    assert_eq!(diff.columns, ["a\"\n\u{1}é"]);
}

#[test]
fn a_row_is_an_object() {
    for (old, new) in [("[]", "{}"), ("{}", "1"), ("{", "{}"), ("", "{}")] {
        assert_eq!(
            row_diff(old, new).unwrap_err().sqlstate(),
            "22023",
            "{old} {new}"
        );
    }
}

#[test]
fn stamps_name_version_clock_and_device() {
    let columns = ["title".to_owned(), "a\"b".to_owned()];
    assert_eq!(
        stamp_columns(&columns, 19, i64::MAX, Some("dev")),
        r#"{"title":[19,9223372036854775807,"dev"],"a\"b":[19,9223372036854775807,"dev"]}"#
    );
    assert_eq!(
        stamp_columns(&columns[..1], 1, 2, None),
        r#"{"title":[1,2,null]}"#
    );
    assert_eq!(stamp_columns(&[], 1, 2, None), "{}");
}

#[test]
fn a_slice_outside_the_array_is_refused() {
    for (from, to) in [(0, 4), (2, 1), (4, 4), (usize::MAX, usize::MAX)] {
        assert_eq!(
            slice_json_array("[1,2,3]", from, to)
                .unwrap_err()
                .sqlstate(),
            "22023"
        );
    }
    for text in ["", "{}", "[1,", "1"] {
        assert_eq!(
            slice_json_array(text, 0, 0).unwrap_err().sqlstate(),
            "22023",
            "{text}"
        );
    }
}

/// JSON values as text, with spaces and numbers that must survive as they are.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        "\"[a-z \\[\\]{},:]{0,8}\"",
        Just(r#""\"\\\u0000""#.to_owned()),
        Just("{ \"a\" : [ 1 , {} ] }".to_owned()),
        Just("null".to_owned()),
    ]
}

proptest! {
    #[test]
    fn slices_put_together_are_the_whole(values in vec(value(), 0..20), cut in any::<prop::sample::Index>()) {
        let whole = format!("[{}]", values.join(","));
        let spaced = format!(" [ {} ] ", values.join(" , "));
        let cut = cut.index(values.len() + 1);
        let (left, right) = values.split_at(cut);
        prop_assert_eq!(slice_json_array(&spaced, 0, cut).unwrap(), format!("[{}]", left.join(",")));
        prop_assert_eq!(slice_json_array(&spaced, cut, values.len()).unwrap(), format!("[{}]", right.join(",")));
        prop_assert_eq!(slice_json_array(&spaced, 0, values.len()).unwrap(), whole);
    }

    #[test]
    fn a_diff_holds_exactly_the_columns_that_differ(rows in vec((value(), value()), 1..12)) {
        let row = |pick: fn(&(String, String)) -> &String| {
            let members: Vec<String> =
                rows.iter().enumerate().map(|(n, pair)| format!("\"c{n}\":{}", pick(pair))).collect();
            format!("{{{}}}", members.join(","))
        };
        let changed: Vec<String> = rows
            .iter()
            .enumerate()
            .filter(|(_, (old, new))| old != new)
            .map(|(n, _)| format!("c{n}"))
            .collect();
        match row_diff(&row(|pair| &pair.0), &row(|pair| &pair.1)).unwrap() {
            None => prop_assert!(changed.is_empty()),
            Some(diff) => prop_assert_eq!(diff.columns, changed),
        }
    }
}
