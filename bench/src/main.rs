//! The evidence runner: measures what the project claims and writes it down.
//!
//! ```text
//! evidence all [--long]          everything, then docs/evidence.json, .md and .svg
//! evidence <name>… [--long]      only these groups or rows; the others are kept
//! evidence profile <name>        what one call of a measurement spends its time on
//! ```
//!
//! Exits with 1 when a row that it made is not ok, or could not be made.

#![forbid(unsafe_code)]

mod batch;
mod error;
mod evidence;
mod external;
mod measure;
mod plot;
mod profile;
mod report;
mod row;
mod server;
mod stage;
mod workload;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use error::{Outcome, ensure};
use evidence::{GROUPS, Size};
use external::External;
use report::{Report, belongs};
use row::Row;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("evidence: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Outcome<bool> {
    let long = arguments.iter().any(|argument| argument == "--long")
        || std::env::var("LONG").is_ok_and(|value| value == "1");
    let names: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "--long")
        .collect();
    match names.as_slice() {
        [] => Err("what? all, names of evidence, or profile <name>".into()),
        ["profile", name] => {
            server::start().await?;
            profile::run(name).await.map(|()| true)
        }
        names => measure_all(names, Size { long }).await,
    }
}

/// Runs the groups that the names mean, writes the files after each, and says whether all rows are ok.
async fn measure_all(names: &[&str], size: Size) -> Outcome<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let externals = external::list(&root.join("bench/external.json"))?;
    let wanted = |group: &str| {
        names
            .iter()
            .any(|name| *name == "all" || belongs(group, name) || belongs(name, group))
    };
    let groups: Vec<&str> = GROUPS.into_iter().filter(|group| wanted(group)).collect();
    let externals: Vec<&External> = externals
        .iter()
        .filter(|external| wanted(&external.name))
        .collect();
    ensure(
        groups.len() + externals.len() > 0,
        format!("there is no evidence {}", names.join(", ")),
    )?;

    let docs = root.join("docs");
    let mut ok = true;
    if !groups.is_empty() {
        server::start().await?;
    }
    for group in groups {
        let started = Instant::now();
        // A task of its own: a panic of the harness ends this group, not the run.
        let made = tokio::spawn(evidence::run(group, size)).await;
        let made = made
            .unwrap_or_else(|error| Err(error.into()))
            .map(|rows| stamped(rows, size));
        ok &= keep(&docs, group, made)?;
        eprintln!("  {group}: {:.1} s", started.elapsed().as_secs_f64());
    }
    for external in externals {
        ok &= keep(&docs, &external.name, external.run(&root, size.long))?;
    }
    Ok(ok)
}

/// Puts what a group made into the files and tells it. Whether all of it is ok.
fn keep(docs: &Path, group: &str, made: Outcome<Vec<Row>>) -> Outcome<bool> {
    let mut ok = made.is_ok();
    let rows = made.unwrap_or_else(|error| {
        eprintln!("{group}: {error}");
        Vec::new()
    });
    for row in &rows {
        ok &= row.ok;
        let bar = row
            .bar
            .as_ref()
            .map_or_else(String::new, |bar| format!(" ({bar})"));
        let spread = row
            .spread
            .as_ref()
            .map_or_else(String::new, |spread| format!(" ± {spread}"));
        let mark = if row.ok { "ok  " } else { "FAIL" };
        println!(
            "{mark} {} = {} {}{spread}{bar}: {} [{}]",
            row.name, row.value, row.unit, row.what, row.size
        );
    }
    // Read again: another run may have written other groups meanwhile.
    let mut report = Report::open(docs)?;
    report.replace(group, rows);
    report.write()?;
    Ok(ok)
}

/// Rows with the command that makes them again.
fn stamped(mut rows: Vec<Row>, size: Size) -> Vec<Row> {
    for row in &mut rows {
        let long = if size.long { " --long" } else { "" };
        row.command = format!("cargo run -rp offline_sync_bench -- {}{long}", row.name);
    }
    rows
}
