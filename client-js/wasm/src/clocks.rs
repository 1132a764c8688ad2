//! Hybrid logical clocks; values travel as decimal strings.

use offline_sync_core::clock::{self, Hlc};
use serde::{Deserialize, Serialize};

use crate::request::Failure;

#[derive(Deserialize)]
pub(crate) struct Tick {
    state: String,
    now_ms: u64,
}

#[derive(Deserialize)]
pub(crate) struct Observe {
    state: String,
    remote: String,
    now_ms: u64,
}

#[derive(Deserialize)]
pub(crate) struct Clamp {
    claimed: String,
    now_ms: u64,
    bound_ms: u64,
}

#[derive(Serialize)]
pub(crate) struct Clamped {
    hlc: String,
    skewed: bool,
}

pub(crate) fn tick(input: &Tick) -> Result<String, Failure> {
    Ok(clock::tick(hlc(&input.state)?, input.now_ms).to_string())
}

pub(crate) fn observe(input: &Observe) -> Result<String, Failure> {
    let state = hlc(&input.state)?;
    Ok(clock::observe(state, hlc(&input.remote)?, input.now_ms).to_string())
}

pub(crate) fn clamp(input: &Clamp) -> Result<Clamped, Failure> {
    let clamped = clock::clamp(hlc(&input.claimed)?, input.now_ms, input.bound_ms);
    Ok(Clamped {
        hlc: clamped.hlc.to_string(),
        skewed: clamped.skewed,
    })
}

pub(crate) fn parse_hlc(text: &str) -> Option<String> {
    Hlc::parse(text).map(|hlc| hlc.to_string())
}

pub(crate) fn hlc(text: &str) -> Result<Hlc, Failure> {
    Hlc::parse(text).ok_or_else(|| Failure::argument(format!("\"{text}\" is no clock value")))
}
