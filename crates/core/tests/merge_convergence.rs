//! Laws of the policies that combine: two to five devices edit what they saw, and whatever order their
//! edits arrive in, the value is the same.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
mod trail_server;

use std::collections::{BTreeMap, BTreeSet};

use offline_sync_core::merge::merge_text;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use support::interleaved;
use trail_server::{Edit, Server, edits, end_of};

const DEVICES: [&str; 5] = ["dev-a", "dev-b", "dev-c", "dev-d", "dev-e"];

fn arrival() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 24)
}

fn array(elements: &[String]) -> String {
    format!("[{}]", elements.join(","))
}

fn as_set(raw: &str) -> BTreeSet<String> {
    let values: Vec<serde_json::Value> = serde_json::from_str(raw).unwrap();
    let set: BTreeSet<String> = values.iter().map(ToString::to_string).collect();
    assert_eq!(set.len(), values.len(), "an element twice: {raw}");
    set
}

fn leaves(raw: &str) -> serde_json::Value {
    serde_json::from_str(raw).unwrap()
}

/// What a device does to a set.
#[derive(Clone, Debug)]
enum Act {
    /// Removes an element of the base.
    Remove(usize),
    /// Removes an element of the base and adds it again.
    Renew(usize),
    /// Adds an element that others may add too.
    AddShared(usize),
    /// Adds an element of its own.
    AddOwn(usize),
    /// Removes an element of its own.
    TakeOwn(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0usize..4).prop_map(Act::Remove),
        (0usize..4).prop_map(Act::Renew),
        (0usize..2).prop_map(Act::AddShared),
        (0usize..3).prop_map(Act::AddOwn),
        (0usize..3).prop_map(Act::TakeOwn),
    ]
}

/// The views that a device goes through. An element renewed stays with the device that renewed it.
fn views(device: &str, acts: &[Act], renewed: &mut BTreeSet<String>) -> Vec<Vec<String>> {
    let mut view: Vec<String> = (0..4).map(|n| n.to_string()).collect();
    let mut mine = BTreeSet::new();
    let mut views = Vec::new();
    for act in acts {
        let own = |n: &usize| format!("\"{device} {n}\"");
        match act {
            Act::Remove(n) if !mine.contains(n) => view.retain(|e| *e != n.to_string()),
            Act::Remove(_) => {}
            Act::Renew(n) if view.contains(&n.to_string()) => {
                view.retain(|e| *e != n.to_string());
                views.push(view.clone());
                view.push(n.to_string());
                mine.insert(*n);
                renewed.insert(n.to_string());
            }
            Act::Renew(_) => {}
            Act::AddShared(n) => view.push(format!("\"shared {n}\"")),
            Act::AddOwn(n) => view.push(own(n)),
            Act::TakeOwn(n) => view.retain(|e| *e != own(n)),
        }
        let mut seen = BTreeSet::new();
        view.retain(|e| seen.insert(e.clone()));
        views.push(view.clone());
    }
    views
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_set_holds_what_was_added_without_what_was_removed(
        acts in vec(vec(act(), 1..5), 2..=5), one in arrival(), other in arrival(),
    ) {
        let start = "[0,1,2,3]";
        let (mut removed, mut renewed) = (BTreeSet::new(), BTreeSet::new());
        let mut expected = as_set(start);
        let mut histories = Vec::new();
        for (device, acts) in DEVICES.into_iter().zip(&acts) {
            let views = views(device, acts, &mut renewed);
            let last = as_set(&array(views.last().unwrap()));
            removed.extend(as_set(start).difference(&last).cloned());
            expected.extend(last);
            let values: Vec<_> = (2_000..).zip(views.iter().map(|view| array(view))).collect();
            histories.push(edits(device, start, &values));
        }
        expected.retain(|e| !removed.contains(e) || renewed.contains(e));
        for picks in [one, other] {
            let end = end_of("\"set\"", start, &interleaved(&histories, &picks));
            prop_assert_eq!(as_set(&end), expected.clone());
        }
    }

    #[test]
    fn a_leaf_of_json_is_the_latest_and_no_disjoint_edit_is_lost(
        steps in vec(vec((1u64..20, 0usize..6), 1..5), 2..=5), one in arrival(), other in arrival(),
    ) {
        const LEAVES: [(&str, &str); 6] =
            [("a", "p"), ("a", "q"), ("b", "p"), ("b", "q"), ("c", "p"), ("c", "q")];
        let write = |doc: &[String; 6]| {
            let part = |n: usize| format!(r#"{{"p":{},"q":{}}}"#, doc[n], doc[n + 1]);
            format!(r#"{{"a":{},"b":{},"c":{}}}"#, part(0), part(2), part(4))
        };
        let first: [String; 6] = std::array::from_fn(|_| "0".to_owned());
        let start = write(&first);
        let mut latest: BTreeMap<usize, (u64, &str, String)> = BTreeMap::new();
        let mut histories = Vec::new();
        for (device, steps) in DEVICES.into_iter().zip(&steps) {
            let (mut doc, mut ms, mut values) = (first.clone(), 2_000, Vec::new());
            for (pause, leaf) in steps {
                ms += pause;
                doc[*leaf] = format!("\"{device} {ms}\"");
                values.push((ms, write(&doc)));
                let mine = (ms, device, doc[*leaf].clone());
                let known = latest.entry(*leaf).or_insert_with(|| mine.clone());
                if *known < mine {
                    *known = mine;
                }
            }
            histories.push(edits(device, &start, &values));
        }
        for picks in [one, other] {
            let end = leaves(&end_of("\"json\"", &start, &interleaved(&histories, &picks)));
            for (n, (outer, inner)) in LEAVES.into_iter().enumerate() {
                let expected = latest.get(&n).map_or("0", |(_, _, value)| value);
                prop_assert_eq!(end[outer][inner].to_string(), expected);
            }
        }
    }

    #[test]
    fn edits_of_different_words_and_lines_of_a_text_all_survive(
        words in vec(0usize..6, 12), gone in any::<[bool; 4]>(), one in arrival(), other in arrival(),
    ) {
        // Word n belongs to device words[n]; 5 is nobody. Lines 4 to 7 are deleted or followed by a new one.
        let word = |n: usize, by: &str| format!("wört{n}{by}");
        let text = |device: Option<usize>| {
            let mut text = String::new();
            for line in 0..4 {
                let of_line = (line * 3..line * 3 + 3).map(|n| {
                    let edited = words[n] < 5 && (device == Some(9) || device == Some(words[n]));
                    word(n, if edited { "👩‍🚀!" } else { "" })
                });
                text += &of_line.collect::<Vec<_>>().join(" ");
                text += "\r\n";
            }
            for (n, gone) in gone.iter().enumerate() {
                let by_me = device == Some(9) || device == Some(n);
                if !(by_me && *gone) {
                    text += &format!("line {n}\n");
                }
                if by_me && !*gone {
                    text += &format!("new after {n}\n");
                }
                text += &format!("between {n}\n");
            }
            text
        };
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let start = quoted(&text(None));
        let histories: Vec<_> = DEVICES
            .into_iter()
            .enumerate()
            .map(|(n, device)| edits(device, &start, &[(2_000, quoted(&text(Some(n))))]))
            .collect();
        for picks in [one, other] {
            let end = end_of("\"text\"", &start, &interleaved(&histories, &picks));
            let end: String = serde_json::from_str(&end).unwrap();
            prop_assert_eq!(end, text(Some(9)));
        }
    }

    #[test]
    fn the_combining_policies_are_idempotent(
        policy in prop::sample::select(vec!["\"set\"", "\"json\"", "\"text\""]), which in any::<[u8; 3]>(),
    ) {
        let sample = |n: u8| match policy {
            "\"set\"" => format!("[1,{}]", n % 4),
            "\"json\"" => format!(r#"{{"a":{},"b":{{"c":{}}}}}"#, n % 4, n % 3),
            _ => format!("\"one {} three {}\"", n % 4, n % 3),
        };
        let [base, mine, theirs] = which.map(sample);
        let mut server = Server::new(policy, &base);
        server.push(&edits("them", &base, &[(2_000, theirs)])[0]);
        let edit = &edits("me", &base, &[(2_001, mine)])[0];
        server.push(edit);
        let once = server.value.clone();
        // The same write again, by a device that has seen its own: nothing is left to add.
        let again = Edit { before: Some(once.clone()), value: once.clone(), ..edit.clone() };
        server.push(&again);
        prop_assert_eq!(&server.value, &once);
    }

    #[test]
    fn no_person_s_text_disappears_even_where_edits_overlap(mine in "[a-c ]{1,12}", theirs in "[d-f ]{1,12}") {
        let base = "\"before middle after\"";
        let put = |text: &str| format!("\"before {text} after\"");
        let mut server = Server::new("\"text\"", base);
        server.push(&edits("them", base, &[(2_000, put(&theirs))])[0]);
        server.push(&edits("me", base, &[(2_001, put(&mine))])[0]);
        for word in mine.split_whitespace().chain(theirs.split_whitespace()) {
            prop_assert!(server.value.contains(word), "{} lost {}", server.value, word);
        }
    }

    #[test]
    fn phrases_that_replace_overlapping_words_stay_whole_and_the_replaced_words_go(
        mine in 0usize..8, my_length in 1usize..5, theirs in 0usize..8, their_length in 1usize..5,
    ) {
        let base: Vec<String> = (0..12).map(|n| format!("word{n}")).collect();
        let replaced = |from: usize, length: usize, by: &str| {
            let mut words = base.clone();
            words.splice(from..from + length, [by.to_owned()]);
            words.join(" ")
        };
        let (my_text, their_text) = ("my own phrase", "their other saying");
        let merged = merge_text(
            &base.join(" "),
            &replaced(mine, my_length, my_text),
            &replaced(theirs, their_length, their_text),
        );
        let text = format!(" {} ", merged.text);
        prop_assert!(text.contains(&format!(" {my_text} ")), "{text}");
        prop_assert!(text.contains(&format!(" {their_text} ")), "{text}");
        for (n, word) in base.iter().enumerate() {
            let gone = (mine..mine + my_length).contains(&n) || (theirs..theirs + their_length).contains(&n);
            prop_assert_eq!(text.matches(&format!(" {word} ")).count(), usize::from(!gone), "{} in {}", word, text);
        }
        prop_assert!(!merged.text.contains("  "), "{text}");
    }

    #[test]
    fn merge_decides_like_the_policy_of_the_type(
        kind in 0usize..6, samples in any::<[Index; 3]>(), later in any::<bool>(),
    ) {
        let (kind, policy) = [
            ("number", "last_write_wins"), ("text", "text"), ("array", "set"),
            ("json", "json"), ("other", "last_write_wins"), ("", "last_write_wins"),
        ][kind];
        let values = ["1", "null", "\"a b\"", "\"a c\"", "[1]", "[2,1]", r#"{"a":1}"#, r#"{"b":[1]}"#, "-0"];
        let [base, mine, theirs] = samples.map(|index| *index.get(&values));
        let outcome = |policy: String| {
            let mut server = Server::new("\"last_write_wins\"", base);
            server.push(&edits("them", base, &[(2_000, theirs.to_owned())])[0]);
            server.policy = policy;
            let ms = if later { 2_001 } else { 1_999 };
            let decided = server.decide(&edits("me", base, &[(ms, mine.to_owned())])[0], None);
            (decided.row_json(), decided.contested_json())
        };
        let types = if kind.is_empty() { String::new() } else { format!(r#""x":"{kind}""#) };
        let merged = outcome(format!(r#"{{"default":"merge","types":{{{types}}}}}"#));
        prop_assert_eq!(merged, outcome(format!(r#"{{"default":"{policy}"}}"#)));
    }
}

#[test]
fn last_write_of_equal_clocks_goes_by_device_in_either_order() {
    for order in [["dev-a", "dev-b"], ["dev-b", "dev-a"]] {
        let mut server = Server::new("\"last_write_wins\"", "0");
        for device in order {
            server.push(&edits(device, "0", &[(2_000, format!("\"{device}\""))])[0]);
        }
        assert_eq!(server.value, "\"dev-b\"");
    }
}

#[test]
fn client_and_server_wins_and_manual_keep_their_side_on_repetition() {
    for (policy, expected) in [("client_wins", "2"), ("server_wins", "1"), ("manual", "1")] {
        let mut server = Server::new(&format!("\"{policy}\""), "0");
        server.push(&edits("them", "0", &[(2_000, "1".to_owned())])[0]);
        for _ in 0..2 {
            server.push(&edits("me", "0", &[(1_500, "2".to_owned())])[0]);
            assert_eq!(server.value, expected, "{policy}");
        }
    }
}

/// Found by simulation: what another device had added and taken away again kept an element from being removed.
#[test]
fn an_addition_that_went_again_protects_no_element_of_a_set() {
    let element = r#"["e"]"#;
    let there_and_gone = |device, ms| {
        let values = [(ms, element.to_owned()), (ms + 1, "[]".to_owned())];
        edits(device, "[]", &values)
    };
    let (theirs, mine) = (there_and_gone("them", 2_000), there_and_gone("me", 3_000));
    for order in [[&theirs[..], &mine[..]], [&mine[..], &theirs[..]]] {
        assert_eq!(end_of("\"set\"", "[]", &order.concat()), "[]");
    }
}

/// What is left when the device sent no `before` and the history is gone.
#[test]
fn an_unknown_base_loses_nothing_that_can_be_kept() {
    let ends = [
        ("set", "[1,2]", "[2,3]", "[1,2,3]", None),
        (
            "json",
            r#"{"a":1,"b":2}"#,
            r#"{"b":3,"c":4}"#,
            r#"{"a":1,"b":3,"c":4}"#,
            None,
        ),
        (
            "text",
            "\"one two\"",
            "\"one two three\"",
            "\"one two three\"",
            None,
        ),
        (
            "text",
            "\"one two three\"",
            "\"one two\"",
            "\"one two three\"",
            None,
        ),
        ("text", "\"one\"", "\"two\"", "\"two\"", None),
        ("counter", "5", "7", "5", Some("manual")),
    ];
    for (policy, theirs, mine, expected, outcome) in ends {
        let mut server = Server::new(&format!("\"{policy}\""), "null");
        server.push(&edits("them", "null", &[(2_000, theirs.to_owned())])[0]);
        server.knows_base = false;
        let mut edit = edits("me", "null", &[(2_001, mine.to_owned())]).remove(0);
        edit.before = None;
        let decided = server.push(&edit);
        assert_eq!(server.value, expected, "{policy}");
        let log = decided.contested_json().unwrap();
        assert!(log.contains("\"base_known\":false"), "{log}");
        if let Some(outcome) = outcome {
            assert!(log.contains(&format!("\"outcome\":\"{outcome}\"")), "{log}");
        }
    }
}

#[test]
fn a_function_is_asked_and_a_failure_leaves_the_column_to_a_person() {
    let mut server = Server::new(r#"{"function":"app.f"}"#, "1");
    server.push(&edits("them", "1", &[(2_000, "2".to_owned())])[0]);
    // Their edit met nobody; mine does.
    let edit = &edits("me", "1", &[(2_001, "3".to_owned())])[0];
    let asked = server.decide(edit, None);
    let calls = leaves(&asked.calls_json("me", Some(1)).unwrap());
    assert_eq!(calls[0]["function"], "app.f");
    let values = ["base", "mine", "theirs"].map(|name| calls[0][name].as_i64());
    assert_eq!(values, [Some(1), Some(3), Some(2)]);
    for (answers, expected, status) in [
        (r#"[{"ord":1,"column":"x","value":9}]"#, "9", "merged"),
        (r#"[{"ord":1,"column":"x"}]"#, "2", "conflict"),
        (r#"[{"ord":1,"column":"x","value":null}]"#, "2", "conflict"),
    ] {
        let decided = server.decide(edit, Some(answers));
        assert_eq!(decided.decision.row[0].1, expected);
        assert_eq!(decided.decision.status.as_str(), status);
        assert_eq!(decided.calls_json("me", Some(1)), None);
    }
}

#[test]
fn functions_of_several_columns_are_asked_in_one_list() {
    let policy = r#"{"default":{"function":"app.f"}}"#;
    let mut server = support::Server::new(policy, &[("x", "1"), ("y", "1"), ("z", "1")]);
    let edit = |device, value: &str| support::Edit {
        patch: ["x", "y", "z"]
            .map(|column| (column.to_owned(), value.to_owned()))
            .into(),
        ..support::Edit::of(device, support::at(2_000), "x", value)
    };
    server.push(&edit("them", "2"));
    let asked = server.decide(&edit("me", "3"));
    let calls = leaves(&asked.calls_json("me", Some(1)).unwrap());
    let columns: Vec<&str> = calls
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|call| call["column"].as_str())
        .collect();
    assert_eq!(columns, ["x", "y", "z"]);
}

/// Lines that repeat made the diff give up, and the text came back nearly twice as long.
#[test]
fn a_long_text_whose_lines_repeat_is_not_doubled() {
    // 4,000 lines of ten words, the same again after 997 lines; each side edits one word in 33.
    let text = |sides: &[usize]| {
        let word = |n: usize| {
            let edited = if sides.contains(&(n % 33)) {
                "edit"
            } else {
                ""
            };
            let end = if n % 10 == 9 { "\n" } else { " " };
            format!("{edited}w{:04}{end}", n * 7_919 % 997)
        };
        (0..40_000).map(word).collect::<String>()
    };
    let merged = merge_text(&text(&[]), &text(&[3]), &text(&[17]));
    assert!(!merged.overlap);
    assert!(merged.text == text(&[3, 17]), "{} bytes", merged.text.len());
}

/// The examples of docs/merging.md.
#[test]
fn the_documented_examples_hold() {
    let examples = [
        ("last_write_wins", "\"a\"", "\"b\"", "\"c\"", "\"c\""),
        ("client_wins", "1", "2", "3", "2"),
        ("server_wins", "1", "2", "3", "3"),
        ("counter", "5", "7", "6", "8"),
        ("max", "5", "7", "6", "7"),
        ("min", "5", "3", "4", "3"),
        ("set", "[1,2]", "[1,2,3]", "[2,4]", "[2,4,3]"),
        (
            "json",
            r#"{"a":1,"b":1}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":1,"b":3,"c":4}"#,
            r#"{"a":2,"b":3,"c":4}"#,
        ),
        (
            "text",
            "\"one two three\"",
            "\"ONE two three\"",
            "\"one two THREE\"",
            "\"ONE two THREE\"",
        ),
        (
            "text",
            "\"one two\"",
            "\"one 2\"",
            "\"one zwei\"",
            "\"one zwei 2\"",
        ),
        (
            "text",
            "\"one two three four\"",
            "\"one 2 and 3 four\"",
            "\"one two drei vier\"",
            "\"one 2 and 3 drei vier\"",
        ),
        ("manual", "1", "2", "3", "3"),
    ];
    for (policy, base, mine, theirs, expected) in examples {
        let mut server = Server::new(&format!("\"{policy}\""), base);
        server.push(&edits("them", base, &[(2_001, theirs.to_owned())])[0]);
        let decided = server.push(&edits("me", base, &[(2_000, mine.to_owned())])[0]);
        assert_eq!(server.value, expected, "{policy}");
        let log = decided.contested_json().unwrap();
        assert_eq!(
            log.contains("\"overlap\":true"),
            expected.contains("zwei") || expected.contains("drei"),
            "{log}"
        );
    }
}
