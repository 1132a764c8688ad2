//! Decisions on the mutations of one table.

use std::str::FromStr;

use offline_sync_core::batch::Op;
use offline_sync_core::merge::{Action, Decided, TablePolicy, decide_run};
use offline_sync_wasm_abi::{Failure, Fields, Object, array, number, string, strings};

use crate::clocks::hlc;
use crate::request::refused;

/// The mutations as `decide_run` takes them: one array a member.
#[derive(Default)]
struct Mutations {
    keys: Vec<String>,
    seqs: Vec<u64>,
    bases: Vec<Option<i64>>,
    hlcs: Vec<Option<u64>>,
    rows: Vec<String>,
    befores: Vec<Option<String>>,
}

impl Mutations {
    fn read(run: &Fields<'_>) -> Result<Mutations, Failure> {
        let mut all = Mutations::default();
        for one in run.list("mutations")? {
            let one = Fields::parse(one.get())?;
            all.keys.push(one.text("key")?);
            all.seqs.push(number(&one.text("seq")?)?);
            let base = one.maybe_text("base")?;
            all.bases.push(base.as_deref().map(number).transpose()?);
            let claimed = one.maybe_text("hlc")?;
            all.hlcs
                .push(claimed.as_deref().map(hlc).transpose()?.map(|hlc| hlc.0));
            all.rows.push(one.text("row")?);
            all.befores.push(one.maybe_text("before")?);
        }
        Ok(all)
    }

    fn befores(&self) -> Option<String> {
        let texts = self
            .befores
            .iter()
            .map(|before| before.as_deref().unwrap_or("null"));
        self.befores
            .iter()
            .any(Option::is_some)
            .then(|| array(texts))
    }
}

pub(crate) fn decide(run: &Fields<'_>) -> Result<String, Failure> {
    let mutations = Mutations::read(run)?;
    let device = run.text("device")?;
    let decided = decide_run(
        Op::from_str(&run.text("op")?).map_err(refused)?,
        &run.text("policy")?,
        &device,
        hlc(&run.text("now_hlc")?)?.0,
        run.count("bound_ms")?,
        &mutations.keys,
        &mutations.seqs,
        &mutations.bases,
        &mutations.hlcs,
        &texts(&mutations.rows),
        mutations.befores().as_deref(),
        &texts(&run.texts("current")?),
        &texts(&run.texts("states")?),
        &run.texts("key_columns")?,
        run.maybe_texts("answers")?.as_deref().map(texts).as_deref(),
    )
    .map_err(refused)?;
    let answers: Vec<String> = decided
        .iter()
        .zip(&mutations.bases)
        .map(|(decided, base)| answer(decided, &device, *base))
        .collect();
    Ok(texts(&answers))
}

/// Refuses a policy that cannot be read.
pub(crate) fn check_policy(policy: &str) -> Result<Option<String>, Failure> {
    TablePolicy::parse(policy).map_err(refused)?;
    Ok(None)
}

fn texts(list: &[String]) -> String {
    array(list.iter().map(String::as_str))
}

fn answer(decided: &Decided, device: &str, base: Option<i64>) -> String {
    let decision = &decided.decision;
    let (action, refusal) = match decision.action {
        Action::Update => ("update", None),
        Action::Insert => ("insert", None),
        Action::Delete => ("delete", None),
        Action::Resurrect => ("resurrect", None),
        Action::Nothing => ("nothing", None),
        Action::Reject { code, message } => ("reject", Some((code, message))),
    };
    let mut out = Object::new();
    out.text("action", action);
    if let Some((code, message)) = refusal {
        out.text("code", code);
        out.text("message", message);
    }
    out.text("status", decision.status.as_str());
    out.maybe(
        "version",
        decided.version.map(|version| string(&version.to_string())),
    );
    out.text("hlc", &decision.hlc.to_string());
    out.text("row", &decided.row_json());
    out.maybe("columns", decided.columns_json());
    out.maybe("contested", decided.contested_json().as_deref().map(string));
    out.maybe(
        "calls",
        decided.calls_json(device, base).as_deref().map(string),
    );
    if !decision.restamp.is_empty() {
        out.raw("restamp", &strings(&decision.restamp));
    }
    out.flag("return_row", decision.return_row);
    out.close()
}
