//! Hybrid logical clocks; values travel as decimal strings.

use offline_sync_core::clock::{self, Hlc};
use offline_sync_wasm_abi::{Failure, Fields, Object, string};

pub(crate) fn tick(input: &Fields<'_>) -> Result<String, Failure> {
    let now = clock::tick(hlc(&input.text("state")?)?, input.count("now_ms")?);
    Ok(string(&now.to_string()))
}

pub(crate) fn observe(input: &Fields<'_>) -> Result<String, Failure> {
    let (state, remote) = (hlc(&input.text("state")?)?, hlc(&input.text("remote")?)?);
    let now = clock::observe(state, remote, input.count("now_ms")?);
    Ok(string(&now.to_string()))
}

pub(crate) fn clamp(input: &Fields<'_>) -> Result<String, Failure> {
    let claimed = hlc(&input.text("claimed")?)?;
    let clamped = clock::clamp(claimed, input.count("now_ms")?, input.count("bound_ms")?);
    let mut out = Object::new();
    out.text("hlc", &clamped.hlc.to_string());
    out.flag("skewed", clamped.skewed);
    Ok(out.close())
}

pub(crate) fn parse_hlc(text: &str) -> Option<String> {
    Hlc::parse(text).map(|hlc| string(&hlc.to_string()))
}

pub(crate) fn hlc(text: &str) -> Result<Hlc, Failure> {
    Hlc::parse(text).ok_or_else(|| Failure::argument("a clock value has to be digits below 2^63"))
}
