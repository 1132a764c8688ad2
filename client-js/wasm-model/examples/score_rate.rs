//! Scores rows with the artefact on standard input over and over for some seconds; prints how many rows a second.
//!
//! The other half of `bench.mjs`: what the browser is compared with.

use std::hint::black_box;
use std::io::{self, Read};
use std::time::Instant;

use offline_sync_model::Artifact;

/// Rows between two looks at the clock.
const ROWS: u32 = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds: f64 = std::env::args()
        .nth(1)
        .ok_or("how many seconds?")?
        .parse()?;
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let artifact = Artifact::decode(&bytes)?;
    let mut row = vec![0.5_f32; artifact.columns()];
    let start = Instant::now();
    let (mut scored, mut sum) = (0.0, 0.0);
    while start.elapsed().as_secs_f64() < seconds {
        for at in 0..ROWS {
            row[0] = black_box(f32::from(at as u16));
            sum += artifact.score(black_box(&row))?;
        }
        scored += f64::from(ROWS);
    }
    black_box(sum);
    println!("{}", scored / start.elapsed().as_secs_f64());
    Ok(())
}
