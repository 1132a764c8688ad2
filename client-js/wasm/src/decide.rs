//! Decisions on the mutations of one table.

use std::collections::BTreeMap;
use std::str::FromStr;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Decided, TablePolicy, decide_run};
use serde::{Deserialize, Serialize};

use crate::clocks::hlc;
use crate::request::Failure;

#[derive(Deserialize)]
pub(crate) struct Run {
    op: String,
    policy: String,
    device: String,
    now_hlc: String,
    bound_ms: u64,
    key_columns: Vec<String>,
    mutations: Vec<Mutation>,
    #[serde(default)]
    current: Vec<String>,
    #[serde(default)]
    states: Vec<String>,
}

#[derive(Deserialize)]
struct Mutation {
    seq: String,
    key: String,
    base: Option<String>,
    hlc: Option<String>,
    row: String,
    before: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Answer {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    hlc: String,
    row: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    columns: BTreeMap<String, &'static str>,
    /// The log's entries as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    contested: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restamp: Vec<String>,
    return_row: bool,
}

pub(crate) fn decide(run: Run) -> Result<Vec<Answer>, Failure> {
    let mutations = &run.mutations;
    let keys: Vec<String> = mutations.iter().map(|one| one.key.clone()).collect();
    let seqs = each(mutations, |one| number(&one.seq))?;
    let bases = each(mutations, |one| one.base.as_deref().map(number).transpose())?;
    let claimed = |one: &Mutation| Ok(one.hlc.as_deref().map(hlc).transpose()?.map(|hlc| hlc.0));
    let hlcs = each(mutations, claimed)?;
    let rows = array(mutations.iter().map(|one| one.row.as_str()));
    let has_befores = mutations.iter().any(|one| one.before.is_some());
    let befores = mutations
        .iter()
        .map(|one| one.before.as_deref().unwrap_or("null"));
    let decided = decide_run(
        Op::from_str(&run.op)?,
        &run.policy,
        &run.device,
        hlc(&run.now_hlc)?.0,
        run.bound_ms,
        &keys,
        &seqs,
        &bases,
        &hlcs,
        &rows,
        has_befores.then(|| array(befores)).as_deref(),
        &array(run.current.iter().map(String::as_str)),
        &array(run.states.iter().map(String::as_str)),
        &run.key_columns,
    )?;
    Ok(decided.iter().map(answer).collect())
}

/// What of the policy this release cannot decide by.
pub(crate) fn check_policy(policy: &str) -> Result<Option<String>, Failure> {
    let policy = TablePolicy::parse(policy)?;
    Ok(policy.unsupported().map(|(column, policy)| match column {
        Some(column) => format!("{} (column {column})", policy.name()),
        None => policy.name().to_owned(),
    }))
}

/// Digits of a version or seq.
pub(crate) fn number<N: FromStr>(text: &str) -> Result<N, Failure> {
    text.parse()
        .map_err(|_| Failure::argument(format!("\"{text}\" is no whole number in range")))
}

fn each<T>(
    mutations: &[Mutation],
    read: impl Fn(&Mutation) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    mutations.iter().map(read).collect()
}

fn array<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.collect();
    format!("[{}]", texts.join(","))
}

fn answer(decided: &Decided) -> Answer {
    let decision = &decided.decision;
    let (action, code, message) = match decision.action {
        Action::Update => ("update", None, None),
        Action::Insert => ("insert", None, None),
        Action::Delete => ("delete", None, None),
        Action::Resurrect => ("resurrect", None, None),
        Action::Nothing => ("nothing", None, None),
        Action::Reject { code, message } => ("reject", Some(code), Some(message)),
    };
    let outcomes = decision.columns.iter();
    Answer {
        action,
        code,
        message,
        status: decision.status.as_str(),
        version: decided.version.map(|version| version.to_string()),
        hlc: decision.hlc.to_string(),
        row: decided.row_json(),
        columns: outcomes
            .map(|(name, outcome)| (name.clone(), outcome.as_str()))
            .collect(),
        contested: decided.contested_json(),
        restamp: decision.restamp.clone(),
        return_row: decision.return_row,
    }
}
