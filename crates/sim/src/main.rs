//! `run`: seeds against the model; `postgres`: the same schedules against Postgres. See docs/simulation.md.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use offline_sync_sim::model::Faults;
use offline_sync_sim::postgres;
use offline_sync_sim::run::{Failure, shrink, simulate};
use offline_sync_sim::step::{Shape, Step, schedule};
use offline_sync_sim::world::Counts;
use serde_json::json;

/// What the command line asks for.
struct Options {
    first: u64,
    seeds: u64,
    steps: usize,
    seconds: Option<u64>,
    json: bool,
}

const USAGE: &str = "usage: offline_sync_sim run|postgres [--seed N] [--seeds N] [--steps N] [--seconds N] [--json]";

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        first: 1,
        seeds: 10_000,
        steps: 1_000,
        seconds: None,
        json: false,
    };
    while let Some(name) = arguments.next() {
        if name == "--json" {
            options.json = true;
            continue;
        }
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        let value = value.ok_or_else(|| format!("{name} needs a number\n{USAGE}"))?;
        match name.as_str() {
            "--seed" => (options.first, options.seeds) = (value, 1),
            "--seeds" => options.seeds = value,
            "--steps" => options.steps = value as usize,
            "--seconds" => options.seconds = Some(value),
            _ => return Err(format!("unknown option {name}\n{USAGE}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let result = options(arguments).and_then(|options| match command.as_str() {
        "run" => run(&options),
        "postgres" => compare(&options),
        _ => Err(USAGE.to_owned()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let begin = Instant::now();
    let deadline = options
        .seconds
        .map(|seconds| begin + Duration::from_secs(seconds));
    let next = AtomicU64::new(options.first);
    let last = options.first + options.seeds;
    let total = Mutex::new((Counts::default(), 0_u64));
    let failed: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if seed >= last || late || failed.lock().is_ok_and(|failed| failed.is_some()) {
                return;
            }
            let shape = Shape::new(seed, true);
            match simulate(&shape, &schedule(&shape, options.steps), Faults::default()) {
                Ok(counts) => {
                    if let Ok(mut total) = total.lock() {
                        add(&mut total.0, counts);
                        total.1 += 1;
                    }
                }
                Err(failure) => {
                    if let Ok(mut failed) = failed.lock() {
                        *failed = Some((seed, failure));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    if let Some((seed, failure)) = failed.into_inner().ok().flatten() {
        let shape = Shape::new(seed, true);
        return Err(explain(&shape, &schedule(&shape, options.steps), &failure));
    }
    let (counts, seeds) = total
        .into_inner()
        .map_err(|_| "a thread panicked".to_owned())?;
    let seconds = begin.elapsed().as_secs_f64();
    let shape = Shape::large(options.first, 50, 200);
    let steps = schedule(&shape, 60_000.min(options.steps * 60));
    let large = simulate(&shape, &steps, Faults::default())
        .map_err(|failure| explain(&shape, &steps, &failure))?;
    if options.json {
        let what = format!(
            "simulated steps without a broken invariant, {seeds} seeds; largest run: {} devices × {} mutations, {} steps",
            shape.devices, large.mutations, large.steps
        );
        let row = json!([{ "name": "sim_steps", "what": what, "value": counts.steps, "unit": "steps", "bar": "≥ 10000000 over ≥ 10000 seeds",
            "ok": counts.steps >= 10_000_000 && seeds >= 10_000,
            "command": format!("cargo run -rp offline_sync_sim -- run --seeds {} --steps {} --json", options.seeds, options.steps),
            "size": format!("{seeds} seeds, {}", describe(&counts)),
            "spread": null }]);
        println!("{row:#}");
    } else {
        println!(
            "{seeds} seeds, {} steps in {seconds:.1} s ({:.0} steps/s): {}",
            counts.steps,
            counts.steps as f64 / seconds,
            describe(&counts)
        );
        println!(
            "largest run: {} devices × {} mutations, {} steps",
            shape.devices, large.mutations, large.steps
        );
    }
    Ok(())
}

fn add(total: &mut Counts, counts: Counts) {
    total.steps += counts.steps;
    total.mutations += counts.mutations;
    total.pushes += counts.pushes;
    total.pulls += counts.pulls;
    total.contested += counts.contested;
    total.grouped += counts.grouped;
    total.required += counts.required;
}

fn describe(counts: &Counts) -> String {
    format!(
        "{} mutations, {} of them in groups, {} requirements, {} pushes, {} pages, {} contested columns",
        counts.mutations,
        counts.grouped,
        counts.required,
        counts.pushes,
        counts.pulls,
        counts.contested
    )
}

/// The failure, with the fewest steps that show one.
fn explain(shape: &Shape, steps: &[Step], failure: &Failure) -> String {
    let kept = &steps[..failure.after.min(steps.len())];
    let smallest = shrink(kept, |steps| {
        simulate(shape, steps, Faults::default()).is_err()
    });
    let what = simulate(shape, &smallest, Faults::default()).err();
    let what = what.map_or_else(|| failure.what.clone(), |failure| failure.what);
    render(shape, &smallest, &what)
}

fn render(shape: &Shape, steps: &[Step], what: &str) -> String {
    let lines: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
    format!(
        "SEED={}: {what}\n{shape:?}\n{} steps:\n{}",
        shape.seed,
        steps.len(),
        lines.join("\n")
    )
}

fn compare(options: &Options) -> Result<(), String> {
    let begin = Instant::now();
    let deadline = options
        .seconds
        .map(|seconds| begin + Duration::from_secs(seconds));
    let mut database = postgres::Database::new();
    let (mut seeds, mut total) = (0_u64, Counts::default());
    for seed in options.first..options.first + options.seeds {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        let shape = Shape::new(seed, false);
        let steps = schedule(&shape, options.steps);
        match postgres::compare(&mut database, &shape, &steps) {
            Ok(counts) => add(&mut total, counts),
            Err(difference) => {
                let smallest = shrink(&steps, |steps| {
                    postgres::compare(&mut database, &shape, steps).is_err()
                });
                let what = postgres::compare(&mut database, &shape, &smallest)
                    .err()
                    .unwrap_or(difference);
                return Err(render(&shape, &smallest, &what));
            }
        }
        seeds += 1;
    }
    if options.json {
        let row = json!([{ "name": "sim_against_postgres", "what": "schedules with the same answers and final states in the model and in Postgres",
            "value": seeds, "unit": "seeds", "bar": "≥ 200", "ok": seeds >= 200,
            "command": format!("cargo run -rp offline_sync_sim -- postgres --seeds {} --steps {} --json", options.seeds, options.steps),
            "size": format!("{} steps, {}", total.steps, describe(&total)),
            "spread": null }]);
        println!("{row:#}");
    } else {
        println!(
            "{seeds} seeds, {} steps in {:.1} s, no difference: {}",
            total.steps,
            begin.elapsed().as_secs_f64(),
            describe(&total)
        );
    }
    Ok(())
}
