//! The models that JavaScript holds, by handle, and the calls that need no JSON.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use offline_sync_model::envelope::{describe, sha256_hex};
use offline_sync_model::{Artifact, ModelError};
use offline_sync_wasm_abi::{Failure, Object, framed, memory, string};

use crate::request::refused;

/// A model, and where JavaScript writes a row of numbers for it.
struct Held {
    artifact: Artifact,
    input: Vec<f32>,
}

struct Models {
    held: BTreeMap<u32, Held>,
    last: u32,
}

impl Models {
    const fn none() -> RefCell<Models> {
        RefCell::new(Models {
            held: BTreeMap::new(),
            last: 0,
        })
    }
}

#[cfg(target_arch = "wasm32")]
mod place {
    use super::{Models, RefCell};

    struct OnlyThread(RefCell<Models>);

    // SAFETY: a module whose memory is not shared has one thread.
    unsafe impl Sync for OnlyThread {}

    static MODELS: OnlyThread = OnlyThread(Models::none());

    pub(super) fn with<T>(work: impl FnOnce(&RefCell<Models>) -> T) -> T {
        work(&MODELS.0)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod place {
    use super::{Models, RefCell};

    std::thread_local! {
        static MODELS: RefCell<Models> = const { Models::none() };
    }

    pub(super) fn with<T>(work: impl FnOnce(&RefCell<Models>) -> T) -> T {
        MODELS.with(work)
    }
}

/// The models, which one call at a time uses.
fn models<T>(work: impl FnOnce(&mut Models) -> T) -> T {
    place::with(|models| work(&mut models.borrow_mut()))
}

/// Keeps a model. Answers with its handle, the length of the vectors of numbers that it takes (0: it takes none), and
/// its description.
fn keep(artifact: Artifact) -> Result<String, Failure> {
    let mut out = Object::new();
    let description = serde_json::Value::Object(describe(artifact.content()));
    let columns = if artifact.is_numeric() {
        artifact.columns()
    } else {
        0
    };
    let handle = models(|models| {
        // Handles are not given again: an old one must not find a new model.
        models.last = models.last.checked_add(1)?;
        let input = vec![f32::NAN; columns];
        models.held.insert(models.last, Held { artifact, input });
        Some(models.last)
    });
    let handle = handle.ok_or_else(|| Failure::argument("too many models"))?;
    out.raw("handle", &handle.to_string());
    out.raw("columns", &columns.to_string());
    out.raw("description", &description.to_string());
    Ok(out.close())
}

/// Forgets a model; a handle that is not known is none.
pub(crate) fn release(handle: u32) {
    models(|models| models.held.remove(&handle));
}

/// Asks a model that is held.
pub(crate) fn with<T>(
    handle: u32,
    ask: impl FnOnce(&Artifact) -> Result<T, ModelError>,
) -> Result<T, Failure> {
    models(|models| {
        let held = models
            .held
            .get(&handle)
            .ok_or_else(|| Failure::argument("there is no such model"))?;
        ask(&held.artifact).map_err(refused)
    })
}

/// Decodes the artefact of `len` bytes at `at` and keeps it. An answer like those of [`crate::abi_call`].
///
/// # Safety
/// `at` is memory of [`crate::abi_alloc`] with this `len`.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn model_decode(at: *const u8, len: usize) -> *mut u8 {
    let decode = |bytes: &[u8]| {
        let decoded = Artifact::decode(bytes).map_err(refused);
        framed(decoded.and_then(|artifact| keep(artifact).map(Some)))
    };
    // SAFETY: the caller promises the same.
    unsafe { memory::call(at, len, decode) }
}

/// The SHA-256 of the `len` bytes at `at`, of any format, in hexadecimal digits. An answer like those of
/// [`crate::abi_call`].
///
/// # Safety
/// `at` is memory of [`crate::abi_alloc`] with this `len`.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn model_sha256(at: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller promises the same.
    unsafe {
        memory::call(at, len, |bytes| {
            framed(Ok(Some(string(&sha256_hex(bytes)))))
        })
    }
}

/// Where a row of numbers is written for [`model_score`]: as many 32-bit floats as the model has columns. It stays
/// there as long as the model is held. Null for a model that takes no vectors, or that is not held.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn model_input(handle: u32) -> *mut f32 {
    models(|models| match models.held.get_mut(&handle) {
        Some(held) if !held.input.is_empty() => held.input.as_mut_ptr(),
        _ => core::ptr::null_mut(),
    })
}

/// The score of the row at [`model_input`]. NaN, which no score is, where there is none.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn model_score(handle: u32) -> f64 {
    models(|models| {
        let held = models.held.get(&handle);
        held.and_then(|Held { artifact, input }| artifact.score(input).ok())
            .unwrap_or(f64::NAN)
    })
}
