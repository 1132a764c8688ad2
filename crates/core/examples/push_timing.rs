//! Prints how long it takes to parse, plan and decide a push of 1,000 mutations (about 300 kB).
//!
//! `cargo run --release -p offline_sync_core --example push_timing`

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use offline_sync_core::batch::{Op, parse_batch};
use offline_sync_core::limits::Limits;
use offline_sync_core::merge::decide_run;
use offline_sync_core::plan::{Run, plan};
use offline_sync_core::tables::Tables;

const MUTATIONS: usize = 1_000;
const ROUNDS: usize = 200;

const TABLES: &str = r#"[{"id":1,"name":"public.notes","key":[{"name":"id","kind":"uuid"}],
    "columns":{"title":{"w":true},"body":{"w":true},"likes":{"w":true},"user_id":{"w":true}},
    "parents":[]}]"#;

fn main() -> Result<(), Box<dyn Error>> {
    let text = batch()?;
    let limits = Limits::default();
    let parse = median(|| parse_batch(&text, &limits).map(|batch| batch.mutations.len()))?;
    let whole = median(|| {
        let tables = Tables::parse(TABLES)?;
        let batch = parse_batch(&text, &limits)?;
        plan(&batch, &tables, 0).map(|plan| plan.runs.len())
    })?;
    let tables = Tables::parse(TABLES)?;
    let planned = plan(&parse_batch(&text, &limits)?, &tables, 0)?;
    let run = planned.runs.first().ok_or("no run")?;
    let (current, states) = server_side(run)?;
    let decide = median(|| decide(run, &current, &states))?;
    println!(
        "mutations      {MUTATIONS}, {} bytes, {} runs",
        text.len(),
        planned.runs.len()
    );
    println!("parse          {parse:?}");
    println!("parse and plan {whole:?}");
    println!("decide         {decide:?} (every column contested)");
    Ok(())
}

fn decide(run: &Run, current: &str, states: &str) -> Result<usize, offline_sync_core::CoreError> {
    let device = "33333333-3333-4333-8333-333333333333";
    let now = 116_200_000_000_000_000;
    let befores = run.befores.as_deref();
    let keys = [String::from("id")];
    let (rows, bases, hlcs) = (&run.rows, &run.bases, &run.hlcs);
    let decided = decide_run(
        Op::Update,
        "{}",
        device,
        now,
        60_000,
        &run.keys,
        &run.seqs,
        bases,
        hlcs,
        rows,
        befores,
        current,
        states,
        &keys,
        None,
    )?;
    Ok(decided.iter().map(|decided| decided.row_json().len()).sum())
}

fn median<T, E>(mut work: impl FnMut() -> Result<T, E>) -> Result<Duration, E> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(work()?);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[ROUNDS / 2])
}

fn batch() -> Result<String, std::fmt::Error> {
    let mut text = String::from(r#"{"v":1,"sent_at":"2026-11-20T10:00:00.000Z","mutations":["#);
    for seq in 1..=MUTATIONS {
        let comma = if seq > 1 { "," } else { "" };
        write!(
            text,
            r#"{comma}{{"seq":"{seq}","op":"update","table":"public.notes","key":{{"id":"00000000-0000-4000-8000-{seq:012}"}},"base":"17","patch":{{"title":"Title {seq}","body":"Lorem ipsum dolor sit amet {seq}","likes":"{seq}"}},"before":{{"title":"Old","likes":"0"}},"hlc":"116200000000000000","after":[],"group":null,"priority":5}}"#
        )?;
    }
    text.push_str("]}");
    Ok(text)
}

fn server_side(run: &Run) -> Result<(String, String), std::fmt::Error> {
    let (mut current, mut states) = (String::from("["), String::from("["));
    for (at, key) in run.keys.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        write!(
            current,
            r#"{comma}{{"k":"{key}","r":{{"id":"{key}","title":"Theirs","body":"Their body","likes":"3"}}}}"#
        )?;
        let stamp = r#"[18,116200000000000001,"22222222-2222-4222-8222-222222222222"]"#;
        write!(
            states,
            r#"{comma}{{"key":"{key}","version":18,"hlc":116200000000000001,"deleted":false,"life":{stamp},"clocks":{{"title":{stamp},"body":{stamp},"likes":{stamp}}},"base":null}}"#
        )?;
    }
    current.push(']');
    states.push(']');
    Ok((current, states))
}
