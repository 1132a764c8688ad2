//! Evidence that other programs make: each prints its rows as a JSON list on standard output.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::error::{Outcome, ensure};
use crate::row::Row;

/// A program that makes the rows of a group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Group of the rows.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Where it runs, relative to the root of the repository.
    pub cwd: String,
}

/// Reads the list of programs.
///
/// # Errors
/// When it is not such a list.
pub fn list(file: &Path) -> Outcome<Vec<External>> {
    Ok(serde_json::from_str(&fs::read_to_string(file)?)?)
}

impl External {
    /// Runs the program and takes its rows; `LONG=1` in its environment asks for the stated sizes.
    /// A program that made all its rows may still exit with another code than 0 because one is not ok.
    ///
    /// # Errors
    /// When it cannot be started, or prints anything but rows of its group.
    pub fn run(&self, root: &Path, long: bool) -> Outcome<Vec<Row>> {
        let (program, arguments) = self
            .command
            .split_first()
            .ok_or("an external command is empty")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(root.join(&self.cwd))
            .stderr(Stdio::inherit());
        if long {
            command.env("LONG", "1");
        }
        let output = command
            .output()
            .map_err(|error| format!("{program}: {error}"))?;
        let rows: Vec<Row> = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{program} ({}): {error}", output.status))?;
        ensure(
            !rows.is_empty(),
            format!("{program} ({}) made no row", output.status),
        )?;
        for row in &rows {
            let expected = crate::report::belongs(&self.name, &row.name);
            ensure(
                expected,
                format!("{program} made a row {}, not {}", row.name, self.name),
            )?;
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printing(text: &str) -> External {
        let command = ["printf", "%s", text].map(str::to_owned).to_vec();
        External {
            name: "convergence".to_owned(),
            command,
            cwd: ".".to_owned(),
        }
    }

    const ROW: &str = r#"[{"name": "convergence_rows", "what": "w", "value": 0, "unit": "rows", "bar": "= 0",
        "ok": true, "command": "c", "size": "s", "spread": null}]"#;

    #[test]
    fn rows_of_the_group_are_taken() {
        let rows = printing(ROW).run(Path::new("."), false).unwrap();
        assert_eq!(rows[0].name, "convergence_rows");
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(printing("[]").run(Path::new("."), false).is_err());
        assert!(printing("converged!").run(Path::new("."), false).is_err());
        let foreign = ROW.replace("convergence_rows", "poison");
        assert!(printing(&foreign).run(Path::new("."), false).is_err());
    }
}
