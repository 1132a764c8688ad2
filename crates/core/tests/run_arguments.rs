//! Malformed arguments of a run are errors, never panics.
#![allow(clippy::unwrap_used, missing_docs)]

use offline_sync_core::CoreError;
use offline_sync_core::batch::Op;
use offline_sync_core::merge::decide_run;

struct Arguments {
    policy: &'static str,
    keys: usize,
    seqs: usize,
    bases: usize,
    hlcs: usize,
    rows: &'static str,
    befores: Option<&'static str>,
    current: &'static str,
    states: &'static str,
}

const GOOD: Arguments = Arguments {
    policy: "{}",
    keys: 2,
    seqs: 2,
    bases: 2,
    hlcs: 2,
    rows: r#"[{"id":"k0","x":1},{"x":2,"id":"k1"}]"#,
    befores: Some(r#"[null,{"x":0}]"#),
    current: r#"[{"r":{"id":"k1","x":9},"k":"k1"},{"k":"k0","r":{"id":"k0","x":8}}]"#,
    states: r#"[{"key":"k1","version":1,"hlc":5,"deleted":false,"life":[1,5,null],"clocks":{},"base":null}]"#,
};

fn run(arguments: &Arguments) -> Result<Vec<String>, CoreError> {
    let keys: Vec<String> = (0..arguments.keys).map(|n| format!("k{n}")).collect();
    let decided = decide_run(
        Op::Update,
        arguments.policy,
        "me",
        1 << 40,
        60_000,
        &keys,
        &vec![1; arguments.seqs],
        &vec![Some(1); arguments.bases],
        &vec![None; arguments.hlcs],
        arguments.rows,
        arguments.befores,
        arguments.current,
        arguments.states,
        &["id".to_owned()],
        None,
    )?;
    Ok(decided
        .iter()
        .map(|decided| format!("{} {}", decided.ord, decided.row_json()))
        .collect())
}

#[test]
fn answers_come_in_the_order_of_the_run() {
    let expected = [r#"0 {"id":"k0","x":1}"#, r#"1 {"id":"k1","x":2}"#];
    assert_eq!(run(&GOOD).unwrap(), expected);
    assert_eq!(
        run(&Arguments {
            befores: None,
            ..GOOD
        })
        .unwrap(),
        expected
    );
}

#[test]
fn an_empty_run_has_no_answers() {
    let empty = Arguments {
        keys: 0,
        seqs: 0,
        bases: 0,
        hlcs: 0,
        rows: "[]",
        befores: Some("[]"),
        ..GOOD
    };
    assert_eq!(run(&empty).unwrap(), Vec::<String>::new());
}

#[test]
fn anything_malformed_is_an_argument_error() {
    let cases = [
        Arguments {
            policy: "[]",
            ..GOOD
        },
        Arguments {
            policy: r#"{"default":"newest"}"#,
            ..GOOD
        },
        Arguments { keys: 1, ..GOOD },
        Arguments { seqs: 1, ..GOOD },
        Arguments { bases: 3, ..GOOD },
        Arguments { hlcs: 0, ..GOOD },
        Arguments { rows: "[]", ..GOOD },
        Arguments {
            rows: "[1,2]",
            ..GOOD
        },
        Arguments {
            rows: "nonsense",
            ..GOOD
        },
        Arguments {
            befores: Some("[null]"),
            ..GOOD
        },
        Arguments {
            befores: Some("[1,2]"),
            ..GOOD
        },
        Arguments {
            current: "{}",
            ..GOOD
        },
        Arguments {
            current: r#"[{"k":1,"r":{}}]"#,
            ..GOOD
        },
        Arguments {
            current: r#"[{"k":"k0"}]"#,
            ..GOOD
        },
        Arguments {
            states: "null",
            ..GOOD
        },
        Arguments {
            states: r#"[{"key":"k0"}]"#,
            ..GOOD
        },
        Arguments {
            states: r#"[{"key":"k0","version":1,"hlc":1,"life":[1,2]}]"#,
            ..GOOD
        },
        Arguments {
            states: r#"[{"key":"k0","version":1.5,"hlc":1,"life":[1,2,null]}]"#,
            ..GOOD
        },
    ];
    for (at, case) in cases.iter().enumerate() {
        assert_eq!(run(case).unwrap_err().sqlstate(), "22023", "case {at}");
    }
}
