//! The answer to a run: one JSON object a mutation, from what was sent and what the database reports.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decimal::Decimal;
use crate::error::CoreError;
use crate::json::{self, Members};
use crate::merge::same_spelling;

/// What capture reported about one key: the versions that it stamped, in order.
#[derive(Clone, Copy, Debug)]
struct Stamped<'a> {
    version: i64,
    scope: Option<&'a str>,
    /// Columns changed that the mutation did not name (a trigger wrote them).
    extra: bool,
}

/// Reports of the capture trigger, one entry a stamped change, in order.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a> {
    /// Row keys.
    pub keys: &'a [String],
    /// Versions.
    pub versions: &'a [i64],
    /// Whether more changed than the mutation named.
    pub extra: &'a [bool],
    /// Scopes of the rows.
    pub scopes: &'a [Option<String>],
}

/// A run whose statements are done. Vectors have one entry a mutation, in the order of `keys`;
/// optional ones may be missing as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// Mutations.
    pub seqs: &'a [i64],
    /// Row keys.
    pub keys: &'a [String],
    /// `applied`, `merged` or `conflict`.
    pub statuses: &'a [String],
    /// Versions before the run; they stand where nothing was written.
    pub versions: Option<&'a [Option<i64>]>,
    /// How each contested column went, as a JSON object.
    pub columns: Option<&'a [Option<String>]>,
    /// Whether the answer must carry the row.
    pub return_row: Option<&'a [bool]>,
    /// Conflict ids.
    pub conflicts: Option<&'a [Option<String>]>,
    /// What the device computes by itself, a JSON array of objects.
    pub sent: Option<&'a str>,
    /// Whether `sent` are whole rows (inserts): then a column that was not sent differs.
    pub whole_rows: bool,
    /// Whether `sent` are the stored rows: nothing was read back.
    pub sent_is_stored: bool,
    /// What capture reported.
    pub outcomes: Outcomes<'a>,
    /// Keys of the rows that were read back.
    pub doc_keys: &'a [String],
    /// These rows, as JSON objects.
    pub docs: &'a [String],
}

/// Renders the results of a run.
///
/// A row is shown where the decision asks for it, or where it differs from what the device computes:
/// another spelling of a value, a default, a trigger.
///
/// # Errors
/// [`CoreError::BadJson`] where a text is not what the database writes.
pub fn render_results(run: &Finished<'_>) -> Result<Vec<String>, CoreError> {
    let stamped = last_stamps(run.outcomes);
    let docs: HashMap<&str, &str> = run
        .doc_keys
        .iter()
        .zip(run.docs)
        .map(|(key, doc)| (key.as_str(), doc.as_str()))
        .collect();
    let sent: Vec<&RawValue> = match run.sent {
        Some(text) => json::parse("run", text)?,
        None => Vec::new(),
    };
    let mut results = Vec::with_capacity(run.seqs.len());
    for (index, (seq, key)) in run.seqs.iter().zip(run.keys).enumerate() {
        let stamp = stamped.get(key.as_str());
        let before = run
            .versions
            .and_then(|versions| versions.get(index).copied().flatten());
        let mut out = String::with_capacity(96);
        out.push_str("{\"seq\":\"");
        out.push_str(&seq.to_string());
        out.push_str("\",\"status\":\"");
        out.push_str(run.statuses.get(index).map_or("applied", String::as_str));
        out.push('"');
        if let Some(version) = stamp.map(|stamp| stamp.version).or(before) {
            out.push_str(",\"version\":\"");
            out.push_str(&version.to_string());
            out.push('"');
        }
        if let Some(scope) = stamp.and_then(|stamp| stamp.scope) {
            out.push_str(",\"scope\":");
            json::push_string(&mut out, scope);
        }
        if let Some(id) = at(run.conflicts, index)
            && run
                .statuses
                .get(index)
                .is_some_and(|status| status == "conflict")
        {
            out.push_str(",\"conflict_id\":\"");
            out.push_str(id);
            out.push('"');
        }
        if let Some(columns) = at(run.columns, index) {
            out.push_str(",\"columns\":");
            out.push_str(columns);
        }
        if let Some(doc) = docs.get(key.as_str()) {
            let asked = run
                .return_row
                .is_some_and(|flags| flags.get(index) == Some(&true));
            let surprising = stamp.is_some_and(|stamp| stamp.extra);
            if asked || surprising || differs(sent.get(index), doc, run.whole_rows)? {
                out.push_str(",\"row\":");
                out.push_str(doc);
            }
        } else if run
            .return_row
            .is_some_and(|flags| flags.get(index) == Some(&true))
        {
            out.push_str(",\"row\":");
            // Else the caller may not see the row any more, or it is gone.
            let stored = sent.get(index).filter(|_| run.sent_is_stored);
            out.push_str(stored.map_or("null", |row| row.get()));
        }
        out.push('}');
        results.push(out);
    }
    Ok(results)
}

fn at(texts: Option<&[Option<String>]>, index: usize) -> Option<&str> {
    texts?.get(index)?.as_deref()
}

fn last_stamps<'a>(outcomes: Outcomes<'a>) -> HashMap<&'a str, Stamped<'a>> {
    let mut stamped: HashMap<&str, Stamped<'_>> = HashMap::with_capacity(outcomes.keys.len());
    for (index, key) in outcomes.keys.iter().enumerate() {
        let Some(version) = outcomes.versions.get(index) else {
            continue;
        };
        let again = stamped.contains_key(key.as_str());
        stamped.insert(
            key,
            Stamped {
                version: *version,
                scope: outcomes.scopes.get(index).and_then(Option::as_deref),
                extra: again || outcomes.extra.get(index) == Some(&true),
            },
        );
    }
    stamped
}

/// Whether a stored row is anything else than what was sent, value for value as spelled.
fn differs(sent: Option<&&RawValue>, doc: &str, whole_row: bool) -> Result<bool, CoreError> {
    let Some(sent) = sent else { return Ok(false) };
    let Members(sent) = json::parse("sent row", sent.get())?;
    let Members(stored) = json::parse("stored row", doc)?;
    if whole_row && stored.len() != sent.len() {
        return Ok(true);
    }
    let same = |name: &str, value: &str| {
        stored
            .iter()
            .any(|(column, stored)| column == name && same_spelling(stored.get(), value))
    };
    Ok(!sent.iter().all(|(name, value)| same(name, value.get())))
}

/// Joins results with commas, ordered by seq. The first on a seq stands: a deferred mutation that is sent again is tried
/// again, and its new verdict comes before the one that says it is a duplicate.
///
/// # Errors
/// [`CoreError::BadJson`] where one is no object with a `seq`.
pub fn join_results(results: &[String]) -> Result<String, CoreError> {
    #[derive(Deserialize)]
    struct Numbered {
        seq: Decimal,
    }
    let mut numbered = Vec::with_capacity(results.len());
    for result in results {
        let Numbered { seq: Decimal(seq) } = json::parse("result", result)?;
        numbered.push((seq, result.as_str()));
    }
    numbered.sort_by_key(|(seq, _)| *seq);
    numbered.dedup_by_key(|(seq, _)| *seq);
    let texts: Vec<&str> = numbered.into_iter().map(|(_, text)| text).collect();
    Ok(texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished<'a>(keys: &'a [String], sent: &'a str, docs: &'a [String]) -> Finished<'a> {
        Finished {
            seqs: &[7],
            keys,
            statuses: &[],
            versions: None,
            columns: None,
            return_row: None,
            conflicts: None,
            sent: Some(sent),
            whole_rows: true,
            sent_is_stored: false,
            outcomes: Outcomes {
                keys,
                versions: &[9],
                extra: &[false],
                scopes: &[],
            },
            doc_keys: keys,
            docs,
        }
    }

    #[test]
    fn a_row_that_is_as_sent_does_not_come_back() {
        let keys = ["k".to_owned()];
        let docs = [r#"{"id":"k","n":5}"#.to_owned()];
        let results = render_results(&finished(&keys, r#"[{"n":5,"id":"k"}]"#, &docs)).unwrap();
        assert_eq!(results, [r#"{"seq":"7","status":"applied","version":"9"}"#]);
    }

    #[test]
    fn a_default_that_the_server_filled_in_comes_back() {
        let keys = ["k".to_owned()];
        let docs = [r#"{"id":"k","n":5,"at":null}"#.to_owned()];
        let results = render_results(&finished(&keys, r#"[{"n":5,"id":"k"}]"#, &docs)).unwrap();
        assert!(
            results[0].ends_with(r#""row":{"id":"k","n":5,"at":null}}"#),
            "{}",
            results[0]
        );
    }

    #[test]
    fn another_spelling_of_a_value_comes_back() {
        let keys = ["k".to_owned()];
        let docs = [r#"{"id":"k","n":5}"#.to_owned()];
        let results = render_results(&finished(&keys, r#"[{"n":5.0,"id":"k"}]"#, &docs)).unwrap();
        assert!(results[0].contains(r#""row":"#));
    }

    #[test]
    fn a_document_does_not_come_back_for_the_space_in_it() {
        let keys = ["k".to_owned()];
        let stored = r#"{"id":"k","n":{"a": [1, "\"é"], "bb": {}}}"#;
        let is_back = |sent: &str| {
            let docs = [stored.to_owned()];
            let results = render_results(&finished(&keys, sent, &docs)).unwrap();
            results[0].contains(r#""row":"#)
        };
        assert!(!is_back(r#"[{"id":"k","n":{"bb":{},"a":[1,"\"\u00e9"]}}]"#));
        for other in [
            r#"[{"id":"k","n":{"bb":{},"a":[1.0,"\"é"]}}]"#,
            r#"[{"id":"k","n":{"bb":{},"a":["\"é",1]}}]"#,
            r#"[{"id":"k","n":{"bb":{},"bb":{},"a":[1,"\"é"]}}]"#,
            r#"[{"id":"k","n":{"bb":[],"a":[1,"\"é"]}}]"#,
            r#"[{"id":"k","n":{"bc":{},"a":[1,"\"é"]}}]"#,
            r#"[{"id":"k","n":{"bb":{},"a":[1,"\"é"],"c":1}}]"#,
            r#"[{"id":"k","n":{"bb":{},"a":[1]}}]"#,
        ] {
            assert!(is_back(other), "{other}");
        }
    }

    #[test]
    fn results_are_joined_in_the_order_of_intent() {
        let results = [r#"{"seq" : "10"}"#, r#"{"seq":"9","status":"applied"}"#].map(str::to_owned);
        assert_eq!(
            join_results(&results).unwrap(),
            r#"{"seq":"9","status":"applied"},{"seq" : "10"}"#
        );
    }

    #[test]
    fn a_mutation_that_is_retried_and_sent_again_has_one_verdict() {
        let results = [
            r#"{"seq":"1","status":"applied"}"#,
            r#"{"seq":"1","status":"duplicate","was":"applied"}"#,
        ];
        assert_eq!(
            join_results(&results.map(str::to_owned)).unwrap(),
            results[0]
        );
    }

    #[test]
    fn a_row_stamped_twice_shows_its_last_version_and_its_content() {
        let keys = ["k".to_owned()];
        let twice = ["k".to_owned(), "k".to_owned()];
        let docs = [r#"{"id":"k","n":5}"#.to_owned()];
        let mut run = finished(&keys, r#"[{"n":5,"id":"k"}]"#, &docs);
        run.outcomes = Outcomes {
            keys: &twice,
            versions: &[9, 10],
            extra: &[false, false],
            scopes: &[],
        };
        let results = render_results(&run).unwrap();
        assert!(results[0].contains(r#""version":"10""#) && results[0].contains(r#""row":"#));
    }
}
