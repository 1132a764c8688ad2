//! Prints how long the planner takes for 10,000 mutations in the shapes that schedule worst.
//!
//! `cargo run --release -p offline_sync_core --example plan_timing`

use std::error::Error;
use std::time::Instant;

use offline_sync_core::batch::parse_batch;
use offline_sync_core::limits::Limits;
use offline_sync_core::plan::plan;
use offline_sync_core::tables::Tables;

const MUTATIONS: usize = 10_000;

const TABLES: &str = r#"[
    {"id":1,"name":"parent","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true},"b":{"w":true}}},
    {"id":2,"name":"child","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true}},"parents":[1]},
    {"id":3,"name":"tree","key":[{"name":"id","kind":"int"}],"columns":{"a":{"w":true},"b":{"w":true}},"parents":[3]}]"#;

/// Operation, table, key, column and further members of the mutation with this seq.
type Shape = fn(usize) -> (&'static str, &'static str, usize, &'static str, String);

const SHAPES: [(&str, Shape); 6] = [
    ("distinct rows", |n| {
        ("update", "parent", n, "a", String::new())
    }),
    ("one row", |_| ("update", "parent", 1, "a", String::new())),
    ("parents and children", |n| {
        ("insert", ["parent", "child"][n % 2], n, "a", String::new())
    }),
    ("a tree of two shapes", |n| {
        ("insert", "tree", n, ["a", "b"][n % 2], String::new())
    }),
    ("pairs in groups", |n| {
        (
            "update",
            "parent",
            n,
            "a",
            format!(",\"group\":\"g{}\"", n / 2),
        )
    }),
    ("a chain of requirements", |n| {
        (
            "update",
            "parent",
            n,
            "a",
            format!(",\"after\":[{}]", n.max(2) - 1),
        )
    }),
];

fn main() -> Result<(), Box<dyn Error>> {
    let tables = Tables::parse(TABLES)?;
    let limits = Limits {
        mutations_max: MUTATIONS,
        batch_bytes_max: usize::MAX,
        ..Limits::default()
    };
    for (name, shape) in SHAPES {
        let each = (2..MUTATIONS + 2).map(|seq| {
            let (op, table, key, column, more) = shape(seq);
            format!(
                r#"{{"seq":{seq},"op":"{op}","table":"{table}","key":{{"id":{key}}},"patch":{{"{column}":1}}{more}}}"#
            )
        });
        let text = format!(
            r#"{{"v":1,"mutations":[{}]}}"#,
            each.collect::<Vec<_>>().join(",")
        );
        let batch = parse_batch(&text, &limits)?;
        let start = Instant::now();
        let planned = plan(&batch, &tables, 1)?;
        println!(
            "{name}: {} runs in {:?}",
            planned.runs.len(),
            start.elapsed()
        );
    }
    Ok(())
}
