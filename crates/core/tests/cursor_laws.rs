//! The pull cursor: round trips, and refusal of whatever was not made by it.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use offline_sync_core::pull::{Cursor, Page};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn snapshot() -> impl Strategy<Value = String> {
    (1u64..1 << 40, vec(0u64..50, 0..5), 0u64..100).prop_map(|(xmin, steps, rest)| {
        let mut next = xmin;
        let running: Vec<String> = steps
            .into_iter()
            .map(|step| {
                next += step;
                next.to_string()
            })
            .collect();
        format!("{xmin}:{}:{}", next + 1 + rest, running.join(","))
    })
}

fn table_id() -> impl Strategy<Value = String> {
    (0i32..=i32::MAX).prop_map(|id| id.to_string())
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

fn scopes() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    btree_map(table_id(), vec(text(), 0..4), 0..4)
}

fn page() -> impl Strategy<Value = Page> {
    (snapshot(), 0i32.., any::<u64>(), 0i64.., scopes()).prop_map(
        |(upper, era, xid, version, fresh)| Page {
            upper,
            era,
            xid,
            version,
            fresh,
        },
    )
}

fn cursor() -> impl Strategy<Value = Cursor> {
    let policies = btree_map(table_id(), text(), 0..4);
    (
        text(),
        snapshot(),
        scopes(),
        policies,
        proptest::option::of(page()),
    )
        .prop_map(|(epoch, snapshot, scopes, policies, page)| Cursor {
            epoch,
            snapshot,
            scopes,
            policies,
            page,
        })
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(cursor in cursor()) {
        let token = cursor.encode().unwrap();
        prop_assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(Cursor::decode(&token).unwrap(), cursor.clone());
        prop_assert_eq!(Cursor::from_json(&cursor.to_json().unwrap()).unwrap(), cursor);
    }

    #[test]
    fn any_text_is_refused_politely(token in ".*", tail in "[A-Za-z0-9_-]{0,80}") {
        for token in [token, format!("1{tail}")] {
            if let Err(error) = Cursor::decode(&token) {
                prop_assert_eq!(error.sqlstate(), "22023");
                prop_assert_eq!(error.to_string(), "bad cursor");
            }
        }
    }

    #[test]
    fn a_damaged_token_is_refused_or_is_another_valid_cursor(cursor in cursor(), at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let mut token = cursor.encode().unwrap();
        let at = at.index(token.len());
        token.replace_range(at..=at, &to);
        if let Ok(other) = Cursor::decode(&token) {
            prop_assert!(other.encode().is_ok());
        }
    }
}

fn sample() -> Cursor {
    Cursor {
        epoch: "e".to_owned(),
        snapshot: "10:20:10,15".to_owned(),
        page: Some(Page {
            upper: "10:20:".to_owned(),
            ..Page::default()
        }),
        ..Cursor::default()
    }
}

/// The sample's JSON with one piece replaced.
fn altered(from: &str, to: &str) -> String {
    let json = sample().to_json().unwrap();
    assert!(json.contains(from), "{from} is not in {json}");
    json.replacen(from, to, 1)
}

#[test]
fn only_snapshots_that_postgres_accepts_are_accepted() {
    let bad = [
        "",
        ":",
        "::",
        "1:2",
        "1:2:3:4",
        "0:5:",
        "5:4:",
        "a:5:",
        "5:a:",
        "5:9:4",
        "5:9:9",
        "5:9:7,6",
        "5:9:,",
        "5:9:6,",
        "+5:9:",
        "5: 9:",
        "5:9:x",
        "99999999999999999999:5:",
        "5:9:6;7",
    ];
    for snapshot in bad {
        let json = altered("10:20:10,15", snapshot);
        assert_eq!(
            Cursor::from_json(&json).unwrap_err().sqlstate(),
            "22023",
            "{snapshot:?}"
        );
        let upper = altered("\"10:20:\"", &format!("\"{snapshot}\""));
        assert_eq!(
            Cursor::from_json(&upper).unwrap_err().sqlstate(),
            "22023",
            "upper {snapshot:?}"
        );
    }
    for snapshot in [
        "5:5:",
        "5:9:",
        "5:9:5",
        "5:9:5,5,8",
        "1:18446744073709551615:",
    ] {
        assert!(
            Cursor::from_json(&altered("10:20:10,15", snapshot)).is_ok(),
            "{snapshot:?}"
        );
    }
}

#[test]
fn every_field_is_typed_and_required() {
    let bad = [
        ("\"epoch\":\"e\"", "\"epoch\":1"),
        ("\"epoch\":\"e\"", "\"epoch\":null"),
        ("\"epoch\":\"e\",", ""),
        ("\"epoch\":\"e\"", "\"epoch\":\"\\u0000\""),
        ("\"epoch\":\"e\"", "\"epoch\":\"\\ud800\""),
        ("\"epoch\":\"e\"", "\"epoch\":\"e\",\"more\":1"),
        ("\"scopes\":{}", "\"scopes\":[]"),
        ("\"scopes\":{}", "\"scopes\":{\"1\":\"a\"}"),
        ("\"scopes\":{}", "\"scopes\":{\"1\":[null]}"),
        ("\"scopes\":{}", "\"scopes\":{\"01\":[]}"),
        ("\"scopes\":{}", "\"scopes\":{\"-1\":[]}"),
        ("\"scopes\":{}", "\"scopes\":{\"x\":[]}"),
        ("\"scopes\":{}", "\"scopes\":{\"2147483648\":[]}"),
        ("\"scopes\":{}", "\"scopes\":{\"1\":[\"\\u0000\"]}"),
        ("\"policies\":{}", "\"policies\":{\"1\":null}"),
        ("\"policies\":{}", "\"policies\":{\"1\":\"\\u0000\"}"),
        ("\"policies\":{}", "\"policies\":{\"'; drop table x\":\"\"}"),
        ("\"era\":0", "\"era\":-1"),
        ("\"era\":0", "\"era\":2147483648"),
        ("\"xid\":0", "\"xid\":-1"),
        ("\"xid\":0", "\"xid\":18446744073709551616"),
        ("\"xid\":0", "\"xid\":\"0\""),
        ("\"version\":0", "\"version\":-1"),
        ("\"version\":0", "\"version\":1.5"),
        ("\"fresh\":{}", "\"fresh\":{\"x\":[]}"),
        ("\"fresh\":{}", "\"fresh\":null"),
        ("\"fresh\":{}", "\"fresh\":{},\"more\":1"),
    ];
    for (from, to) in bad {
        assert_eq!(
            Cursor::from_json(&altered(from, to))
                .unwrap_err()
                .sqlstate(),
            "22023",
            "{to}"
        );
    }
}

#[test]
fn tokens_over_a_megabyte_are_not_looked_at() {
    let epoch = "e".repeat(1_000_000);
    let cursor = Cursor {
        epoch,
        snapshot: "1:1:".to_owned(),
        ..Cursor::default()
    };
    assert_eq!(cursor.encode().unwrap_err().sqlstate(), "22023");
    assert_eq!(
        Cursor::decode(&"1".repeat(1_000_001))
            .unwrap_err()
            .sqlstate(),
        "22023"
    );
}
