//! Answers the request on standard input over and over for some seconds; prints how many a second.
//!
//! The other half of `bench.mjs`: what the browser is compared with.

use std::hint::black_box;
use std::io::{self, Read};
use std::time::Instant;

use offline_sync_wasm::answer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds: f64 = std::env::args()
        .nth(1)
        .ok_or("how many seconds?")?
        .parse()?;
    let mut request = Vec::new();
    io::stdin().read_to_end(&mut request)?;
    let start = Instant::now();
    let mut answered = 0_u32;
    while start.elapsed().as_secs_f64() < seconds {
        black_box(answer(black_box(&request)));
        answered += 1;
    }
    println!("{}", f64::from(answered) / start.elapsed().as_secs_f64());
    Ok(())
}
