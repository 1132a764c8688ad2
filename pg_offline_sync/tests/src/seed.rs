//! Chance, so that it can be repeated.

/// The seed of a test: `TEST_SEED` of the environment, else a new one. It is printed where the test fails.
///
/// # Panics
/// Where `TEST_SEED` is no number.
#[must_use]
pub fn seed() -> u64 {
    let given = std::env::var("TEST_SEED").ok();
    let seed = given.map_or_else(rand::random, |seed| {
        seed.parse().expect("TEST_SEED is a number")
    });
    println!("seed {seed}");
    seed
}
