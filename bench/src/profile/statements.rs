//! Reports of `auto_explain`, put together into a tree.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// A notice as the server sends it.
pub struct Notice {
    /// Duration and plan.
    pub message: String,
    /// Functions and statements that it came out of, the innermost first.
    pub context: String,
}

/// One statement that ended, or the triggers that it fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Functions that it ran in, with lines, the innermost first.
    stack: Vec<String>,
    /// What it is.
    text: String,
    /// Time with everything inside.
    total_ms: f64,
    /// Time without the statements inside.
    own_ms: f64,
    /// Time of checks of foreign keys, and how many.
    checks: (f64, u64),
    /// Time of other triggers.
    triggers_ms: f64,
}

/// The part of a report that is of interest.
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "Query Text")]
    text: String,
    #[serde(rename = "Triggers", default)]
    triggers: Vec<Trigger>,
}

/// A trigger's share of a statement.
#[derive(Deserialize)]
struct Trigger {
    #[serde(rename = "Trigger Name")]
    name: String,
    #[serde(rename = "Time")]
    time_ms: f64,
    #[serde(rename = "Calls")]
    calls: u64,
}

/// All statements of the reports, with their own times. Reports come in the order in which statements end: those inside
/// before the one around them.
pub fn tree(notices: &[Notice]) -> Vec<Statement> {
    own_times(notices.iter().filter_map(read).collect())
}

fn read(notice: &Notice) -> Option<Statement> {
    let (duration, report) = notice
        .message
        .strip_prefix("duration: ")?
        .split_once(" ms  plan:\n")?;
    let report: Report = serde_json::from_str(report).ok()?;
    // Queries of foreign key checks are in the time of their triggers.
    let text = report.text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.starts_with("SELECT 1 FROM ONLY") {
        return None;
    }
    let frames = notice
        .context
        .lines()
        .filter_map(|line| line.split_once(" function "));
    let (checks, others): (Vec<_>, Vec<_>) = report
        .triggers
        .iter()
        .partition(|trigger| trigger.name.starts_with("RI_ConstraintTrigger"));
    Some(Statement {
        stack: frames.map(|(_, frame)| frame.trim().to_owned()).collect(),
        text,
        total_ms: duration.parse().ok()?,
        own_ms: 0.0,
        checks: (
            checks.iter().map(|check| check.time_ms).sum(),
            checks.iter().map(|check| check.calls).sum(),
        ),
        triggers_ms: others.iter().map(|trigger| trigger.time_ms).sum(),
    })
}

/// Takes the time of what is inside a statement off its own. Triggers and checks become statements themselves.
fn own_times(statements: Vec<Statement>) -> Vec<Statement> {
    let mut done: Vec<Statement> = Vec::new();
    // Statements of `done` that nothing around them has ended yet.
    let mut open: Vec<usize> = Vec::new();
    for mut statement in statements {
        let mut inside = 0.0;
        while let Some(last) = open.pop_if(|last| is_inside(&done[*last], &statement)) {
            inside += done[last].total_ms;
        }
        let triggers = statement.triggers_ms.max(inside);
        statement.own_ms = statement.total_ms - triggers - statement.checks.0;
        if statement.triggers_ms > 0.0 {
            let own_ms = triggers - inside;
            done.push(statement.part(format!("triggers of {}", statement.text), triggers, own_ms));
        }
        if statement.checks.1 > 0 {
            let (time, calls) = statement.checks;
            done.push(statement.part(
                format!("{calls} foreign key checks of {}", statement.text),
                time,
                time,
            ));
        }
        open.push(done.len());
        done.push(statement);
    }
    done
}

fn is_inside(inner: &Statement, outer: &Statement) -> bool {
    inner.stack.len() > outer.stack.len() && inner.stack.ends_with(&outer.stack)
}

impl Statement {
    fn part(&self, text: String, total_ms: f64, own_ms: f64) -> Statement {
        let stack = self.stack.clone();
        Statement {
            stack,
            text,
            total_ms,
            own_ms,
            checks: (0.0, 0),
            triggers_ms: 0.0,
        }
    }
}

/// Statements of the same place and text added up, those with most time of their own first.
pub struct Breakdown(Vec<Line>);

struct Line {
    place: String,
    text: String,
    times: usize,
    own_ms: f64,
    total_ms: f64,
}

impl Breakdown {
    /// Adds up.
    pub fn of(statements: &[Statement]) -> Breakdown {
        let mut sums: BTreeMap<(&str, &str), (usize, f64, f64)> = BTreeMap::new();
        for statement in statements {
            let place = statement.stack.first().map_or("the call", String::as_str);
            let sum = sums.entry((place, &statement.text)).or_default();
            *sum = (
                sum.0 + 1,
                sum.1 + statement.own_ms,
                sum.2 + statement.total_ms,
            );
        }
        let lines = sums
            .into_iter()
            .map(|((place, text), (times, own_ms, total_ms))| {
                let (place, text) = (place.to_owned(), text.chars().take(140).collect());
                Line {
                    place,
                    text,
                    times,
                    own_ms,
                    total_ms,
                }
            });
        let mut lines: Vec<Line> = lines.collect();
        lines.sort_by(|one, other| other.own_ms.total_cmp(&one.own_ms));
        Breakdown(lines)
    }
}

/// Lines that are worth a look.
const LINES: usize = 25;

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>9} {:>9} {:>6}  where: statement",
            "own ms", "total ms", "times"
        )?;
        for Line {
            place,
            text,
            times,
            own_ms,
            total_ms,
        } in self.0.iter().take(LINES)
        {
            writeln!(
                f,
                "{own_ms:>9.2} {total_ms:>9.2} {times:>6}  {place}: {text}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(duration: &str, query: &str, triggers: &str, context: &str) -> Notice {
        let plan = format!(r#"{{"Query Text": "{query}", "Triggers": [{triggers}]}}"#);
        Notice {
            message: format!("duration: {duration} ms  plan:\n{plan}"),
            context: context.to_owned(),
        }
    }

    fn own(statements: &[Statement], text: &str) -> f64 {
        statements
            .iter()
            .find(|statement| statement.text == text)
            .unwrap()
            .own_ms
    }

    const IN_PULL: &str = "PL/pgSQL function pull() line 9 at assignment";

    #[test]
    fn a_statement_is_inside_the_one_whose_stack_it_continues() {
        let in_page = format!("PL/pgSQL function page() line 2 at SQL statement\n{IN_PULL}");
        let other = "PL/pgSQL function cursor() line 3 at RETURN\nPL/pgSQL function pull() line 12 at assignment";
        let statements = tree(&[
            notice("4.0", "read", "", &in_page),
            notice("1.0", "cursor", "", other),
            notice("7.0", "call", "", ""),
        ]);
        assert_eq!(own(&statements, "read"), 4.0);
        assert_eq!(own(&statements, "cursor"), 1.0);
        assert_eq!(own(&statements, "call"), 2.0);
    }

    #[test]
    fn triggers_and_checks_are_told_apart_from_their_statement() {
        let triggers = r#"{"Trigger Name": "RI_ConstraintTrigger_c_1", "Time": 2.0, "Calls": 100},
            {"Trigger Name": "capture", "Time": 5.0, "Calls": 1}"#;
        let statements = tree(&[
            notice("0.1", "SELECT 1 FROM ONLY team x", "", IN_PULL),
            notice(
                "4.0",
                "stamp",
                "",
                "PL/pgSQL function capture() line 30 at SQL statement",
            ),
            notice("10.0", "insert", triggers, ""),
        ]);
        assert_eq!(own(&statements, "insert"), 3.0);
        assert_eq!(own(&statements, "triggers of insert"), 1.0);
        assert_eq!(own(&statements, "100 foreign key checks of insert"), 2.0);
        assert_eq!(own(&statements, "stamp"), 4.0);
    }

    #[test]
    fn other_notices_are_nothing() {
        let notice = Notice {
            message: "table does not exist, skipping".to_owned(),
            context: String::new(),
        };
        assert!(tree(&[notice]).is_empty());
    }
}
