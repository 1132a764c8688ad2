//! The files that the evidence is kept in: JSON for programs, a table and a picture for people.

use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::Outcome;
use crate::plot;
use crate::row::Row;

const HEAD: &str = "# Evidence

Every figure that this project claims, with the command that made it. This page and
[evidence.json](evidence.json) are written by `cargo run -rp offline_sync_bench -- all` (quick sizes;
`--long` for the stated ones); a row that a run does not make is kept from the run before. Ratios compare two
things in one run, in turns, over many repetitions; spread is the interquartile range of the repetitions relative to
their median. What each group does: [bench/README.md](../bench/README.md).

![Ratios against their bars](evidence.svg)

";

/// The evidence on disk.
pub struct Report {
    docs: PathBuf,
    rows: Vec<Row>,
}

impl Report {
    /// Reads what earlier runs left in `docs`; nothing there is an empty report.
    ///
    /// # Errors
    /// When there is something that is no evidence.
    pub fn open(docs: &Path) -> Outcome<Report> {
        let rows = match fs::read_to_string(docs.join("evidence.json")) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Report {
            docs: docs.to_owned(),
            rows,
        })
    }

    /// Replaces all rows of a group by what a run made of it: nothing, when it failed.
    pub fn replace(&mut self, group: &str, rows: Vec<Row>) {
        let at = self.rows.iter().position(|row| belongs(group, &row.name));
        let at = at.unwrap_or(self.rows.len());
        self.rows.retain(|row| !belongs(group, &row.name));
        let at = at.min(self.rows.len());
        self.rows.splice(at..at, rows);
    }

    /// Writes all three files.
    ///
    /// # Errors
    /// Where the files cannot be written.
    pub fn write(&self) -> Outcome<()> {
        fs::create_dir_all(&self.docs)?;
        let json = serde_json::to_string_pretty(&self.rows)? + "\n";
        fs::write(self.docs.join("evidence.json"), json)?;
        fs::write(self.docs.join("evidence.md"), markdown(&self.rows))?;
        fs::write(self.docs.join("evidence.svg"), plot::ratios(&self.rows))?;
        Ok(())
    }
}

/// Whether a row is of a group: its name is the group's, or continues it.
pub fn belongs(group: &str, name: &str) -> bool {
    name.strip_prefix(group)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn markdown(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    text += "| name | what | value | bar | ok | size | spread | command |\n";
    text += "| --- | --- | ---: | --- | --- | --- | ---: | --- |\n";
    for row in rows {
        let ok = if row.ok { "yes" } else { "**no**" };
        let bar = row.bar.as_deref().unwrap_or("–");
        let spread = row
            .spread
            .as_ref()
            .map_or_else(|| "–".to_owned(), ToString::to_string);
        let (name, value, unit) = (&row.name, &row.value, &row.unit);
        let (what, size, command) = (cell(&row.what), cell(&row.size), &row.command);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| `{name}` | {what} | {value} {unit} | {bar} | {ok} | {size} | {spread} | `{command}` |"
        );
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Bar;

    fn row(name: &str) -> Row {
        Row::new(name, 1.0, "rows", Bar::Reported)
    }

    fn names(report: &Report) -> Vec<&str> {
        report.rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn a_run_replaces_its_own_rows_and_keeps_the_others() {
        let rows = ["push_a", "push_b", "pull", "pushed"].map(row).to_vec();
        let mut report = Report {
            docs: PathBuf::new(),
            rows,
        };
        report.replace("push", vec![row("push_c")]);
        assert_eq!(names(&report), ["push_c", "pull", "pushed"]);
        report.replace("growth", vec![row("growth")]);
        assert_eq!(names(&report), ["push_c", "pull", "pushed", "growth"]);
    }

    #[test]
    fn a_group_that_failed_leaves_no_stale_row_behind() {
        let mut report = Report {
            docs: PathBuf::new(),
            rows: vec![row("pull_1000"), row("growth")],
        };
        report.replace("pull", Vec::new());
        assert_eq!(names(&report), ["growth"]);
    }
}
