//! Laws of merging: whatever order the edits of several devices arrive in, the row ends the same.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{Edit, Server, at, interleaved};

const DEVICES: [&str; 4] = ["dev-a", "dev-b", "dev-c", "dev-d"];

/// Edits by device, in each device's own order.
type Histories = Vec<Vec<Edit>>;

/// What one device does: steps of (milliseconds since its last edit, column, value).
fn steps<V: Strategy>(value: V) -> impl Strategy<Value = Vec<Vec<(u64, usize, V::Value)>>> {
    vec(vec((1u64..20, 0usize..2, value), 1..4), 2..=4)
}

fn column(at: usize) -> &'static str {
    ["x", "y"][at]
}

fn arrival() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    vec(any::<prop::sample::Index>(), 16)
}

fn after(server: &Server, order: &[Edit]) -> Server {
    let mut server = server.clone();
    for edit in order {
        server.push(edit);
    }
    server
}

/// Histories of single-column edits that change what their device sees; `before` is what it saw.
fn histories(steps: &[Vec<(u64, usize, String)>], start: &str) -> Histories {
    let one = |(device, steps): (&str, &Vec<(u64, usize, String)>)| {
        let mut clock = 2_000;
        let mut view = [start.to_owned(), start.to_owned()];
        let mut edits = Vec::new();
        for (pause, in_column, value) in steps {
            clock += pause;
            if view[*in_column] != *value {
                let edit = Edit::of(device, at(clock), column(*in_column), value);
                edits.push(edit.before(&view[*in_column]));
                view[*in_column].clone_from(value);
            }
        }
        edits
    };
    DEVICES.into_iter().zip(steps).map(one).collect()
}

fn small_text() -> impl Strategy<Value = String> {
    (0u8..4).prop_map(|n| format!("\"v{n}\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn last_write_wins_ends_with_the_latest_edit(steps in steps(small_text()), one in arrival(), other in arrival()) {
        let histories = histories(&steps, "\"start\"");
        let server = Server::new("{}", &[("x", "\"start\""), ("y", "\"start\"")]);
        for picks in [one, other] {
            let end = after(&server, &interleaved(&histories, &picks));
            for name in ["x", "y"] {
                let edits = histories.iter().flatten().filter(|edit| edit.patch[0].0 == name);
                let latest = edits.max_by_key(|edit| (edit.hlc, edit.device.clone()));
                let expected = latest.map_or("\"start\"", |edit| &edit.patch[0].1);
                prop_assert_eq!(end.value(name), expected);
            }
        }
    }

    /// Some devices saw more of the common past than others, and some write again what they have not seen.
    #[test]
    fn last_write_wins_whatever_each_device_saw_of_the_past(
        past in vec((1u64..20, small_text()), 1..5),
        edits in vec((any::<prop::sample::Index>(), 1u64..60, small_text()), 2..=4),
        one in arrival(), other in arrival(),
    ) {
        let mut server = Server::new("{}", &[("x", "\"start\"")]);
        let mut clock = 2_000;
        let mut seen = vec![(1, at(1_000), "\"start\"".to_owned())];
        let mut latest = (0, String::new(), "\"start\"".to_owned());
        for (pause, value) in &past {
            clock += pause;
            server.push(&Edit::of("dev-0", at(clock), "x", value).seeing(Some(server.version)));
            if server.version > seen.last().unwrap().0 {
                seen.push((server.version, at(clock), value.clone()));
                latest = (at(clock), "dev-0".to_owned(), value.clone());
            }
        }
        let mut histories = Vec::new();
        for (device, (view, pause, value)) in DEVICES.into_iter().zip(&edits) {
            let (base, hlc, before) = view.get(&seen);
            if value != before {
                let edit = Edit::of(device, hlc + at(*pause), "x", value).seeing(Some(*base));
                latest = latest.max((hlc + at(*pause), device.to_owned(), value.clone()));
                histories.push(vec![edit]);
            }
        }
        for picks in [one, other] {
            let end = after(&server, &interleaved(&histories, &picks));
            prop_assert_eq!(end.value("x"), &latest.2);
        }
    }

    #[test]
    fn last_write_wins_is_idempotent(steps in steps(small_text()), picks in arrival()) {
        let histories = histories(&steps, "\"start\"");
        let mut server = Server::new("{}", &[("x", "\"start\""), ("y", "\"start\"")]);
        for edit in interleaved(&histories, &picks) {
            server.push(&edit);
            let once = server.row.clone();
            server.push(&edit);
            prop_assert_eq!(&server.row, &once);
        }
    }

    #[test]
    fn a_counter_is_the_sum_of_all_increments(
        increments in steps(-50i64..50), one in arrival(), text in any::<bool>(), places in 0u32..3,
    ) {
        let write = |value: i64| {
            let digits = decimal(value, places);
            if text { format!("\"{digits}\"") } else { digits }
        };
        let (histories, sum) = counting(&increments, 7, write);
        let server = Server::new(r#"{"default":"counter"}"#, &[("x", &write(7)), ("y", &write(7))]);
        let end = after(&server, &interleaved(&histories, &one));
        prop_assert_eq!(end.value("x"), write(7 + sum[0]));
        prop_assert_eq!(end.value("y"), write(7 + sum[1]));
    }

    #[test]
    fn max_and_min_are_semilattices(
        steps in steps(comparable()), one in arrival(), other in arrival(), largest in any::<bool>(),
    ) {
        let policy = if largest { r#"{"default":"max"}"# } else { r#"{"default":"min"}"# };
        let histories = histories(&steps, "null");
        let server = Server::new(policy, &[("x", "null"), ("y", "null")]);
        let end = after(&server, &interleaved(&histories, &one));
        let same = after(&server, &interleaved(&histories, &other));
        prop_assert_eq!(&end.row, &same.row);
        for (name, value) in end.row.as_ref().unwrap() {
            for edit in histories.iter().flatten().filter(|edit| edit.patch[0].0 == *name) {
                let mine = &edit.patch[0].1;
                if let (Ok(mine), Ok(value)) = (mine.parse::<i64>(), value.parse::<i64>()) {
                    let reached = if largest { mine <= value } else { mine >= value };
                    prop_assert!(reached, "{} passed over {}", value, mine);
                }
            }
        }
        let mut again = end.clone();
        for edit in histories.iter().flatten() {
            again.push(edit);
        }
        prop_assert_eq!(&again.row, &end.row, "idempotent");
    }
}

/// `value` with the last digits behind the point.
fn decimal(value: i64, places: u32) -> String {
    if places == 0 {
        return value.to_string();
    }
    let unit = 10i64.pow(places);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, part) = (value.abs() / unit, value.abs() % unit);
    format!("{sign}{whole}.{part:0width$}", width = places as usize)
}

/// Histories of increments and the sum of each column's.
fn counting(
    steps: &[Vec<(u64, usize, i64)>],
    start: i64,
    write: impl Fn(i64) -> String,
) -> (Histories, [i64; 2]) {
    let mut sum = [0, 0];
    let mut histories = Vec::new();
    for (device, steps) in DEVICES.into_iter().zip(steps) {
        let mut view = [start, start];
        let mut edits = Vec::new();
        for (at_step, (_, in_column, increment)) in steps.iter().enumerate() {
            let seen = view[*in_column];
            view[*in_column] += increment;
            sum[*in_column] += increment;
            let clock = at(2_000 + at_step as u64);
            let value = write(view[*in_column]);
            edits.push(Edit::of(device, clock, column(*in_column), &value).before(&write(seen)));
        }
        histories.push(edits);
    }
    (histories, sum)
}

/// Numbers of all sizes and nulls.
fn comparable() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-30i64..30).prop_map(|n| n.to_string()),
        1 => Just("null".to_owned()),
        1 => Just("123456789012345678901234567890".to_owned()),
        1 => Just("-1e400".to_owned()),
        1 => Just("0.1000000000000000000000000000000000001".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn text_and_numeric_strings_have_one_order(values in vec(string_value(), 2..5), one in arrival(), other in arrival()) {
        let histories: Histories = DEVICES
            .into_iter()
            .zip(&values)
            .map(|(device, value)| vec![Edit::of(device, at(2_000), "x", value)])
            .collect();
        let server = Server::new(r#"{"default":"max"}"#, &[("x", "null")]);
        let end = after(&server, &interleaved(&histories, &one));
        let same = after(&server, &interleaved(&histories, &other));
        prop_assert_eq!(end.row, same.row);
    }

    #[test]
    fn an_edit_made_after_seeing_a_value_beats_it_however_slow_the_clock(claim in 0u64..3_000, seen_at in 1_000u64..5_000) {
        let mut server = Server::new("{}", &[("x", "\"start\"")]);
        server.push(&Edit::of("dev-b", at(seen_at), "x", "\"seen\""));
        let seen = server.clocks["x"].1;
        let decided = server.push(&Edit::of("dev-a", at(claim), "x", "\"mine\"").seeing(Some(server.version)));
        prop_assert_eq!(server.value("x"), "\"mine\"");
        prop_assert!(decided.decision.hlc > seen);
        prop_assert_eq!(decided.columns_json(), None);
    }

    #[test]
    fn a_fast_clock_wins_for_the_bound_at_most(ahead_ms in 0u64..1 << 40) {
        let mut server = Server::new("{}", &[("x", "\"start\"")]);
        let decided = server.push(&Edit::of("dev-z", at(support::NOW_MS + ahead_ms), "x", "\"future\""));
        prop_assert_eq!(decided.decision.skewed, ahead_ms > support::BOUND_MS);
        server.now_ms += support::BOUND_MS + 1;
        server.push(&Edit::of("dev-a", at(server.now_ms), "x", "\"honest\""));
        prop_assert_eq!(server.value("x"), "\"honest\"");
    }
}

fn string_value() -> impl Strategy<Value = String> {
    let samples = [
        "9",
        "10",
        "5a",
        "a",
        "-Infinity",
        "Infinity",
        "NaN",
        "1e3",
        "",
        "1.0",
        "1.00",
        "é",
        "\\\"",
        "\\u0039",
    ];
    prop::sample::select(samples.to_vec()).prop_map(|text| format!("\"{text}\""))
}
