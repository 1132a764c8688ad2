//! Does a fixed amount of merging, so that instructions can be counted (`bench/instructions.sh`).
//!
//! `cargo run --release -p offline_sync_core --example merge_cost -- text|words|noise|line|set|json|lww|clock N`
//!
//! `text` merges two documents of N kB with 500 edits each per 100 kB, `words` one line of as many,
//! `noise` three texts of N kB without anything in common but the few words they are made of, `line` the same in one line of two;
//! `set` two arrays and `json` two objects of N members; `lww` decides N contested columns; `clock` ticks and
//! observes N times. Prints what was done, its time, and a sum over the results. `evidence` prints the row `text_merge`.

use std::error::Error;
use std::fmt::Write;
use std::time::Instant;

use offline_sync_core::batch::Op;
use offline_sync_core::clock::{Hlc, observe, tick};
use offline_sync_core::merge::{decide_run, merge_text};

const NOW: u64 = 116_200_000_000_000_000;

const WHAT: &str = "text, words, noise, line, set, json, lww or clock, or evidence";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().ok_or(WHAT)?;
    if what == "evidence" {
        println!("{}", evidence());
        return Ok(());
    }
    let n: usize = arguments.next().ok_or("how many")?.parse()?;
    let sum = match what.as_str() {
        "text" => texts(n * 1_000, "\n"),
        "words" => texts(n * 1_000, " "),
        "noise" => noise(n * 1_000, &["a ", "b ", "a\n", "c ", "b\n", "d "]),
        "line" => noise(n * 1_000, &["a ", "b "]),
        "set" => sets(n)?,
        "json" => objects(n)?,
        "lww" => columns(n)?,
        "clock" => clocks(n),
        _ => return Err(WHAT.into()),
    };
    println!("{what} {n}: {sum}");
    Ok(())
}

#[inline(never)]
fn timed<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!("{:?}", start.elapsed());
    done
}

fn texts(bytes: usize, end_of_line: &str) -> usize {
    let [base, mine, theirs] = documents(bytes, end_of_line);
    timed(|| merge_text(&base, &mine, &theirs)).text.len()
}

/// The time of a merge by the texts' size: the median of eleven.
fn evidence() -> String {
    let milliseconds = |bytes: usize, end_of_line: &str| {
        let [base, mine, theirs] = documents(bytes, end_of_line);
        let mut times: Vec<f64> = (0..11)
            .map(|_| {
                let start = Instant::now();
                let merged = merge_text(&base, &mine, &theirs);
                assert!(!merged.overlap && merged.text.len() > bytes);
                start.elapsed().as_secs_f64() * 1_000.0
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let [small, middle, large] =
        [10_000, 100_000, 1_000_000].map(|bytes| milliseconds(bytes, "\n"));
    let line = milliseconds(100_000, " ");
    // Instructions grow with the text; the time also with what the caches no longer hold.
    let growth = (large / middle).max(middle / small) / 10.0;
    format!(
        r#"[{{"name":"text_merge","what":"merge of two documents of 100 kB with 500 edits each","value":{middle:.2},"unit":"ms","bar":"< 50","ok":{},
"command":"cargo run -rp offline_sync_core --example merge_cost -- evidence","size":"10 kB {small:.2} ms, 1 MB {large:.1} ms, 100 kB in a single line {line:.1} ms","spread":null}},
{{"name":"text_merge_growth","what":"time per kB at ten times the size: the greatest ratio from 10 kB to 1 MB","value":{growth:.2},"unit":"ratio","bar":"≤ 3","ok":{},
"command":"cargo run -rp offline_sync_core --example merge_cost -- evidence","size":"10 kB, 100 kB, 1 MB","spread":null}}]"#,
        middle < 50.0,
        growth <= 3.0
    )
}

/// A document of lines of ten words, as it was and with one word in 33 changed by one side and another one by the other.
fn documents(bytes: usize, end_of_line: &str) -> [String; 3] {
    let document = |side: Option<usize>| {
        let mut text = String::with_capacity(bytes + bytes / 8);
        let mut size = 0;
        for word in 0.. {
            if size >= bytes {
                break;
            }
            let plain = word * 7919 % 99_991;
            size += 6;
            if side.is_some_and(|side| word % 33 == side) {
                text.push_str("edit");
            }
            let end = if word % 10 == 9 { end_of_line } else { " " };
            // Writing to a string does not fail.
            let _ = write!(text, "w{plain:04}{end}");
        }
        text
    };
    [document(None), document(Some(3)), document(Some(17))]
}

/// Three unlike texts of a few different words.
fn noise(bytes: usize, words: &[&str]) -> usize {
    let text = |mut state: u64| {
        let mut text = String::with_capacity(bytes + 4);
        while text.len() < bytes {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text.push_str(words[(state >> 33) as usize % words.len()]);
        }
        text
    };
    let (base, mine, theirs) = (text(1), text(2), text(3));
    timed(|| merge_text(&base, &mine, &theirs)).text.len()
}

fn decide(policy: &str, rows: &[(String, String, String)]) -> Result<usize, Box<dyn Error>> {
    let count = rows.len();
    let keys: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    let seqs: Vec<u64> = (1..).take(count).collect();
    let list = |each: &dyn Fn(usize) -> String| {
        let each: Vec<String> = (0..count).map(each).collect();
        format!("[{}]", each.join(","))
    };
    let mine = list(&|n| format!(r#"{{"id":{n},"x":{}}}"#, rows[n].1));
    let befores = list(&|n| format!(r#"{{"x":{}}}"#, rows[n].0));
    let current = list(&|n| format!(r#"{{"k":"{n}","r":{{"id":{n},"x":{}}}}}"#, rows[n].2));
    let states = list(&|n| {
        let stamp = format!("[2,{},\"them\"]", NOW - 1);
        let trail = format!("[2,{},\"them\",{}]", NOW - 1, rows[n].0);
        format!(
            r#"{{"key":"{n}","version":2,"hlc":{},"life":{stamp},"clocks":{{"x":{stamp}}},"trail":{{"x":[{trail}]}}}}"#,
            NOW - 1
        )
    });
    let decided = timed(|| {
        decide_run(
            Op::Update,
            &format!("{{\"default\":\"{policy}\"}}"),
            "me",
            NOW,
            60_000,
            &keys,
            &seqs,
            &vec![Some(1); count],
            &vec![Some(NOW); count],
            &mine,
            Some(&befores),
            &current,
            &states,
            &["id".to_owned()],
            None,
        )
    })?;
    Ok(decided.iter().map(|one| one.row_json().len()).sum())
}

/// The numbers below `n` but for those that leave `rest` modulo 11, and as many new ones.
fn some(n: usize, rest: usize) -> impl Iterator<Item = usize> {
    let kept = (0..n).filter(move |each| each % 11 != rest);
    kept.chain((0..n / 11).map(move |each| n * rest + each))
}

fn sets(n: usize) -> Result<usize, Box<dyn Error>> {
    let array = |rest: usize| {
        let each: Vec<String> = some(n, rest)
            .map(|each| format!("\"tag {each}\""))
            .collect();
        format!("[{}]", each.join(","))
    };
    decide("set", &[(array(12), array(3), array(5))])
}

fn objects(n: usize) -> Result<usize, Box<dyn Error>> {
    let object = |side: usize| {
        let member = |each: usize| {
            let value = if each % 11 == side { side } else { 0 };
            format!("\"member {each}\":{{\"value\":{value},\"same\":\"text\"}}")
        };
        format!("{{{}}}", (0..n).map(member).collect::<Vec<_>>().join(","))
    };
    decide("json", &[(object(12), object(3), object(5))])
}

fn columns(n: usize) -> Result<usize, Box<dyn Error>> {
    let row = |n: usize| {
        (
            "0".to_owned(),
            format!("\"mine {n}\""),
            format!("\"theirs {n}\""),
        )
    };
    decide("last_write_wins", &(0..n).map(row).collect::<Vec<_>>())
}

fn clocks(n: usize) -> usize {
    let mut state = Hlc(NOW);
    timed(|| {
        for step in 0..n as u64 {
            state = tick(state, (NOW >> 16) + step / 3);
            state = observe(state, Hlc(NOW + step * 40_000), (NOW >> 16) + step / 3);
        }
    });
    usize::try_from(state.0).unwrap_or(usize::MAX)
}
